// Package recovery uses a library for which nobody has given a reason.
package recovery

import "golang.org/x/sys/cpu"

// Endian is something that it can do.
var Endian = cpu.IsBigEndian
