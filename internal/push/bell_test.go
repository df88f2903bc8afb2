package push_test

import (
	"context"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/push"
)

func TestNotAnyNumberMayWaitForOneAccount(t *testing.T) {
	b := &push.Bell{Now: time.Now, Every: time.Hour, Changes: func(context.Context, time.Time) ([]push.Change, error) { return nil, nil }}
	var stops []func()
	for range 1000 {
		_, stop, ok := b.Wait("anna")
		if !ok {
			break
		}
		stops = append(stops, stop)
	}
	if len(stops) < 20 || len(stops) == 1000 {
		t.Errorf("%d wait", len(stops))
	}
	if _, _, ok := b.Wait("bo"); !ok {
		t.Error("another account waits for a place")
	}
	stops[0]()
	if _, _, ok := b.Wait("anna"); !ok {
		t.Error("a place that was left is not given again")
	}
}
