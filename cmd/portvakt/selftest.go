package main

type selftestCommand struct{}

// Run is filled by the enumeration test.
func (selftestCommand) Run() error { return nil }
