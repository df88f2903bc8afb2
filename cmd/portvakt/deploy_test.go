package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// TestWhatIsDeployedNamesSettingsThatExist: the manifests can be read, and each flag and variable in them, in the unit, in the
// Dockerfile and in the package's settings is one of ours.
func TestWhatIsDeployedNamesSettingsThatExist(t *testing.T) {
	var c commands
	parser, err := kong.New(&c, kong.Name("portvakt"))
	if err != nil {
		t.Fatal(err)
	}
	serve := parser.Model.Children[slices.IndexFunc(parser.Model.Children, func(n *kong.Node) bool { return n.Name == "serve" })]
	names, variables := map[string]bool{}, map[string]bool{}
	for _, group := range serve.AllFlags(false) {
		for _, f := range group {
			names[f.Name] = true
			for _, v := range f.Envs {
				variables[v] = true
			}
		}
	}
	variable := regexp.MustCompile(`PORTVAKT_[A-Z_]+`)
	flag := regexp.MustCompile(`(?:"|serve )--([a-z-]+)`)
	setting := regexp.MustCompile(`(?m)^(?:# )?([a-z-]+) = `)
	for file, least := range map[string]int{"deploy/kubernetes.yaml": 9, "deploy/Dockerfile": 1, "packaging/portvakt.service": 1, "packaging/portvakt.toml": 9} {
		text, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		check := func(what string, known map[string]bool) {
			found++
			if !known[what] {
				t.Errorf("%s: there is no %s", file, what)
			}
		}
		for _, v := range variable.FindAllString(string(text), -1) {
			check(v, variables)
		}
		for _, m := range flag.FindAllStringSubmatch(string(text), -1) {
			check(m[1], names)
		}
		if strings.HasSuffix(file, ".toml") {
			for _, m := range setting.FindAllStringSubmatch(string(text), -1) {
				check(m[1], names)
			}
		}
		if found < least {
			t.Errorf("%s: only %d flags, variables and settings were found", file, found)
		}
	}
	manifests, err := os.ReadFile("../../deploy/kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for d := yaml.NewDecoder(bytes.NewReader(manifests)); ; {
		var one struct {
			APIVersion string `yaml:"apiVersion"`
			Kind       string `yaml:"kind"`
		}
		if err := d.Decode(&one); errors.Is(err, io.EOF) {
			break
		} else if err != nil || one.APIVersion == "" {
			t.Fatal(one, err)
		}
		kinds = append(kinds, one.Kind)
	}
	if got := strings.Join(kinds, " "); got != "Deployment Service PodDisruptionBudget Ingress" {
		t.Error(got)
	}
}
