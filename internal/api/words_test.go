package api_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"github.com/portvakt/portvakt/internal/api"
	"github.com/portvakt/portvakt/internal/transition"
)

// TestTheDocumentKnowsTheWordsOfTheFlows: a tag cannot name a constant, so that this does.
func TestTheDocumentKnowsTheWordsOfTheFlows(t *testing.T) {
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Enum []string }
			}
		}
	}
	if err := json.Unmarshal(api.Document(), &doc); err != nil {
		t.Fatal(err)
	}
	var statuses, kinds []string
	for _, s := range transition.Statuses() {
		statuses = append(statuses, string(s))
	}
	for _, k := range transition.Kinds() {
		kinds = append(kinds, string(k))
	}
	for _, test := range []struct {
		schema, property string
		want             []string
	}{{"Person", "status", statuses}, {"Filter", "status", statuses}, {"Finding", "kind", kinds}} {
		have := doc.Components.Schemas[test.schema].Properties[test.property].Enum
		slices.Sort(have)
		slices.Sort(test.want)
		if !slices.Equal(have, test.want) {
			t.Errorf("%s.%s: the document has %v, the flow %v", test.schema, test.property, have, test.want)
		}
	}
}

// TestThePageTellsOfEveryReasonWhyARowIsWrong, which are the keys of the sentences that people read.
func TestThePageTellsOfEveryReasonWhyARowIsWrong(t *testing.T) {
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var texts struct{ Register map[string]string }
	if _, err := toml.DecodeFile("../locale/texts/en.toml", &texts); err != nil || len(texts.Register) == 0 {
		t.Fatal(err, texts)
	}
	for reason := range texts.Register {
		if !strings.Contains(string(page), "`register."+reason+"`") {
			t.Errorf("docs/api.md does not tell of register.%s", reason)
		}
	}
}
