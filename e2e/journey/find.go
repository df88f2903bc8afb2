package journey

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// Roles by what one does with them.
var (
	pressable = []string{"button", "link", "checkbox", "radio", "switch", "tab", "menuitem", "option", "DisclosureTriangle"}
	fillable  = []string{"textbox", "searchbox", "spinbutton", "combobox"}
	tickable  = []string{"checkbox", "switch", "radio"}
)

// thing is something on the page as a screen reader knows it.
type thing struct {
	role, name, description string
	node                    cdp.BackendNodeID
	disabled                bool
	checked                 bool
}

// things lists the page's accessibility tree.
func things(ctx context.Context) ([]thing, error) {
	tree, err := chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		return nil, err
	}
	var found []thing
	for _, n := range tree.Nodes {
		if !n.Ignored {
			found = append(found, thingOf(n))
		}
	}
	return found, nil
}

func thingOf(n *accessibility.Node) thing {
	t := thing{role: text(n.Role), name: squeeze(text(n.Name)), description: squeeze(text(n.Description)), node: n.BackendDOMNodeID}
	for _, p := range n.Properties {
		switch p.Name {
		case accessibility.PropertyNameDisabled:
			t.disabled = text(p.Value) == "true"
		case accessibility.PropertyNameChecked:
			t.checked = text(p.Value) == "true"
		}
	}
	return t
}

// text reads a value of the tree, which is JSON, as words.
func text(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var words string
	if json.Unmarshal(v.Value, &words) == nil {
		return words
	}
	return string(v.Value)
}

// squeeze makes one space of all white space, hard ones included.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// one finds the only thing of these roles with exactly this name. Two of them
// would leave a blind person guessing, so that is an error.
func one(ctx context.Context, roles []string, name string) (thing, error) {
	all, err := things(ctx)
	if err != nil {
		return thing{}, err
	}
	all = slices.DeleteFunc(all, func(t thing) bool { return t.name != name || !slices.Contains(roles, t.role) })
	if len(all) != 1 {
		return thing{}, fmt.Errorf("%d named %q", len(all), name)
	}
	return all[0], nil
}

// wait waits for the only such thing, and until it can be used.
func (b *Browser) wait(roles []string, name string) (found thing) {
	b.r.Helper()
	b.until(fmt.Sprintf("find %q", name), func(ctx context.Context) (bool, error) {
		t, err := one(ctx, roles, name)
		found = t
		if err == nil && t.disabled {
			err = fmt.Errorf("%q is disabled", name)
		}
		return err == nil, err
	})
	return found
}
