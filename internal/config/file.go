package config

import (
	"fmt"
	"io"
	"os"
	"sort"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"
)

// File is a settings file as a source for the command line: TOML, with the flags' names as keys. A flag and
// the environment win over it.
type File struct {
	path   string
	values map[string]any
}

// ReadFile is a kong.ConfigurationLoader.
func ReadFile(r io.Reader) (kong.Resolver, error) {
	f := &File{values: map[string]any{}}
	if named, ok := r.(interface{ Name() string }); ok {
		f.path = named.Name()
	}
	if _, err := toml.NewDecoder(r).Decode(&f.values); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrSettings, f.path, err)
	}
	return f, nil
}

// Validate refuses keys that no setting has: a misspelt one would silently do nothing.
func (f *File) Validate(app *kong.Application) error {
	known := map[string]bool{}
	collect(app.Node, known)
	var unknown []string
	for key := range f.values {
		if !known[key] {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	sort.Strings(unknown)
	return complain("%s: unknown setting %q", f.path, unknown[0])
}

func collect(n *kong.Node, known map[string]bool) {
	for _, flag := range n.Flags {
		known[flag.Name] = true
	}
	for _, child := range n.Children {
		collect(child, known)
	}
}

// Resolve returns the file's value for a flag that neither the command line nor the environment gives.
func (f *File) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Envs {
		if _, set := os.LookupEnv(env); set {
			return nil, nil
		}
	}
	v, ok := f.values[flag.Name]
	if !ok {
		return nil, nil
	}
	if list, isList := v.([]any); isList {
		return joined(flag.Name, list)
	}
	return v, nil
}

// joined turns a TOML list into the comma-separated form that kong reads.
func joined(name string, list []any) (any, error) {
	text := ""
	for i, item := range list {
		s, ok := item.(string)
		if !ok {
			return nil, complain("%s: a list of texts is wanted", name)
		}
		if i > 0 {
			text += ","
		}
		text += s
	}
	return text, nil
}
