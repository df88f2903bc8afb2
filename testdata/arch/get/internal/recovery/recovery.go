// Package recovery consumes a link.
package recovery

// Tx is a transaction.
type Tx interface{ ConsumeLink() error }

// Service runs the flow.
type Service struct{ InTx func(func(Tx) error) error }

// Find looks.
func (s *Service) Find() string { return "a link" }

// Use consumes.
func (s *Service) Use() error { return s.InTx(func(tx Tx) error { return tx.ConsumeLink() }) }
