package recovery

type Request struct{ Address string }

func (Request) Known() bool { return false }

// Grouped names share the comment of their group.
const (
	First  = 1
	Second = 2
)

var Last = 3
