package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"
)

// File is a settings file as a source for the command line: TOML, with the settings' names as keys. A flag and
// the environment win over it.
type File struct {
	values map[string]any // by the flag's name: a text, or a list of texts
}

// ReadFile is a kong.ConfigurationLoader. It refuses names that no setting has, the flags of commands among them: a
// misspelt one would silently do nothing, and a forgotten one would do something to a command that was never meant.
func ReadFile(r io.Reader) (kong.Resolver, error) {
	name := "the settings file"
	if named, ok := r.(interface{ Name() string }); ok {
		name = named.Name()
	}
	var raw map[string]any
	if _, err := toml.NewDecoder(r).Decode(&raw); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrSettings, name, err)
	}
	known, err := flags()
	if err != nil {
		return nil, err
	}
	f := &File{values: map[string]any{}}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		if err := f.take(known, key, raw[key]); err != nil {
			return nil, complain("%s: %v", name, err)
		}
	}
	return f, nil
}

// flags are the flags that the fields of Settings become, by their names.
func flags() (map[string]*kong.Flag, error) {
	var alone struct {
		Settings `embed:""`
	}
	k, err := kong.New(&alone, kong.NoDefaultHelp())
	if err != nil {
		return nil, err
	}
	all := map[string]*kong.Flag{}
	for _, flag := range k.Model.Flags {
		all[flag.Name] = flag
	}
	return all, nil
}

// take takes one line of the file. Underscores are what TOML and the environment like; they name the same setting.
func (f *File) take(known map[string]*kong.Flag, key string, v any) error {
	name := strings.ReplaceAll(key, "_", "-")
	flag := known[name]
	if flag == nil {
		return fmt.Errorf("unknown setting %q; docs/configuration.md has them all", key)
	}
	if _, twice := f.values[name]; twice {
		return fmt.Errorf("%s is there twice, with dashes and with underscores", name)
	}
	value, err := written(flag.Target.Interface(), v)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	f.values[name] = value
	return nil
}

// written turns a value of TOML into what the flag would be given on the command line.
func written(setting, v any) (any, error) {
	switch setting.(type) {
	case []string:
		return list(v)
	case time.Duration:
		return duration(v)
	case int:
		return whole(v)
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return nil, errors.New("want a text: write it in quotes") // a number with a point, or a date, may be written in many ways
}

func list(v any) (any, error) {
	if text, ok := v.(string); ok {
		return text, nil
	}
	items, ok := v.([]any)
	if !ok || slices.ContainsFunc(items, func(item any) bool { return reflect.TypeOf(item).Kind() != reflect.String }) {
		return nil, errors.New(`want a list of texts, as ["10.0.0.0/8", "192.168.0.0/16"]`)
	}
	return items, nil
}

func duration(v any) (any, error) {
	if n, ok := v.(int64); ok {
		return nil, fmt.Errorf(`a duration has a unit: write it as "%ds"`, n)
	}
	text, ok := v.(string)
	if _, err := time.ParseDuration(text); !ok || err != nil {
		return nil, fmt.Errorf(`%q is no duration: write it as "60s"`, fmt.Sprint(v))
	}
	return text, nil
}

func whole(v any) (any, error) {
	if n, ok := v.(int64); ok {
		return n, nil
	}
	text, ok := v.(string)
	if _, err := strconv.Atoi(text); !ok || err != nil {
		return nil, fmt.Errorf("%q is no whole number", fmt.Sprint(v))
	}
	return text, nil
}

// Validate implements kong.Resolver; ReadFile has refused what is wrong.
func (f *File) Validate(*kong.Application) error { return nil }

// Resolve returns the file's value for a flag that neither the command line nor the environment gives.
func (f *File) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if slices.ContainsFunc(flag.Envs, isSet) {
		return nil, nil
	}
	return f.values[flag.Name], nil
}

func isSet(variable string) bool { return os.Getenv(variable) != "" }

// IgnoreEmptyVariables makes a variable that is set to nothing count as not set, as in `PORTVAKT_SMTP_PORT= portvakt
// serve` or a compose file that passes on what its reader has left open. To be called before parsing.
func IgnoreEmptyVariables(k *kong.Kong) error {
	return kong.Visit(k.Model, func(n kong.Visitable, next kong.Next) error {
		if flag, ok := n.(*kong.Flag); ok {
			flag.Tag.Envs = slices.DeleteFunc(slices.Clone(flag.Envs), func(name string) bool { return !isSet(name) })
		}
		return next(nil)
	})
}
