// Package recovery declares what it needs.
package recovery

// Tx is one thing that store must be able to do.
type Tx interface{ ConsumeLink() error }
