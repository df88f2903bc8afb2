package selftest

import (
	"math"
	"slices"
	"time"
)

// Comparison says whether two groups of times can be told apart.
type Comparison struct {
	Known, Unknown time.Duration // medians
	P              float64       // probability of such a difference by chance
}

// The verdict of DESIGN §4.1: a difference counts when it is both unlikely to be chance and large enough to be
// of use over a network.
const (
	significance = 0.001
	useful       = 2 * time.Millisecond
)

// Leaks says whether a stranger could learn from the times.
func (c Comparison) Leaks() bool {
	return c.P < significance && (c.Known-c.Unknown).Abs() > useful
}

func compare(known, unknown []time.Duration) Comparison {
	return Comparison{Known: median(known), Unknown: median(unknown), P: mannWhitney(known, unknown)}
}

func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(all))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// percentile is the time that so many of a hundred do not exceed.
func percentile(all []time.Duration, p int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(all))
	return s[min(len(s)*p/100, len(s)-1)]
}

// mannWhitney is the two-sided p-value of the rank-sum test, by the normal approximation with ties. It asks
// nothing of the shape of the two distributions, which network times would not grant.
func mannWhitney(a, b []time.Duration) float64 {
	type sample struct {
		at    time.Duration
		first bool
	}
	var all []sample
	for _, d := range a {
		all = append(all, sample{d, true})
	}
	for _, d := range b {
		all = append(all, sample{d, false})
	}
	slices.SortFunc(all, func(x, y sample) int { return int(x.at - y.at) })
	rankSum, ties := 0.0, 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].at == all[i].at {
			j++
		}
		n := float64(j - i)
		ties += n*n*n - n
		for k := i; k < j; k++ {
			if all[k].first {
				rankSum += float64(i+j+1) / 2
			}
		}
		i = j
	}
	na, nb := float64(len(a)), float64(len(b))
	n := na + nb
	variance := na * nb / 12 * (n + 1 - ties/(n*(n-1)))
	if na == 0 || nb == 0 || variance <= 0 {
		return 1
	}
	z := (rankSum - na*(na+1)/2 - na*nb/2) / math.Sqrt(variance)
	return math.Erfc(math.Abs(z) / math.Sqrt2)
}
