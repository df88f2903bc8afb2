package store

import "github.com/portvakt/portvakt/internal/myaccount"

// The account's page reads and ends sessions; their SQL stands in session.go.
var (
	_ myaccount.Store = (*DB)(nil)
	_ myaccount.Tx    = (*Tx)(nil)
)
