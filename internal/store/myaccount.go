package store

import "github.com/portvakt/portvakt/internal/myaccount"

// The account's page reads and ends sessions; their SQL stands in session.go, that of its other parts in files of their names.
var (
	_ myaccount.Store = (*DB)(nil)
	_ myaccount.Tx    = (*Tx)(nil)
)
