package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{}

// Run prints what this binary was made from, as the Go tool has noted it: of a release its number, else the commit.
func (c *versionCommand) Run(s streams) error {
	fmt.Fprintf(s.out, "portvakt %s (%s, %s/%s)\n", release(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// release is what this binary was made from.
func release() string {
	version, made := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, setting := range info.Settings {
			switch setting.Key {
			case "vcs.revision":
				made += " commit " + setting.Value
			case "vcs.time":
				made += " of " + setting.Value
			case "vcs.modified":
				if setting.Value == "true" {
					made += ", changed"
				}
			}
		}
	}
	return version + made
}
