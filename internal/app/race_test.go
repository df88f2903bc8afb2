//go:build race

package app_test

// raced says that the race detector looks on, for which both engines are the same goroutines: package store has its own.
const raced = true
