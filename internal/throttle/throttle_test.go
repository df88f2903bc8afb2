package throttle_test

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/throttle"
)

func TestPausesGrowToHalfAnHour(t *testing.T) {
	want := []time.Duration{1, 2, 4, 8, 16, 30, 30}
	for i, minutes := range want {
		if got := throttle.Identifier.PauseAfter(i + 1); got != minutes*time.Minute {
			t.Errorf("pause %d is %s, want %d min", i+1, got, minutes)
		}
	}
	if got := throttle.Identifier.PauseAfter(1000); got != 30*time.Minute {
		t.Errorf("the thousandth pause is %s", got)
	}
	if got := throttle.Network.PauseAfter(1); got != throttle.Network.Window {
		t.Errorf("a network pauses for %s", got)
	}
}
