//go:build !race

package app_test

// raced says that the race detector looks on.
const raced = false
