package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{}

// Run prints what this binary was made from, as the Go tool has noted it: of a release its number, else the commit.
func (c *versionCommand) Run(s streams) error {
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
	fmt.Fprintf(s.out, "portvakt %s%s (%s, %s/%s)\n", version, made, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
