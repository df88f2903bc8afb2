//go:build !linux

package main

// unmapFile does nothing: this is known of Linux alone.
func unmapFile() {}
