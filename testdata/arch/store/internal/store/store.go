// Package store is the engine.
package store

// Name of the engine.
const Name = "sqlite"
