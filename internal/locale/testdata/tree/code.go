// Package tree is read by the test of the look for texts; it is not built.
package tree

const ProblemOne = "a.problem"

func texts(p printer) (string, error) {
	name := "a.literal"
	other := "a.prefix"
	return p.T("a.call", name, other), &web.Fault{Key: "a.fault"}
}
