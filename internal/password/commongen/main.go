// Command commongen makes the filter of common passwords that package password embeds:
//
//	go run ./internal/password/commongen LIST > internal/password/common.filter
//
// LIST has one password per line. The present filter was made from the list that Django 5.2 ships
// (django/contrib/auth/common-passwords.txt.gz, BSD-3-Clause, by Royce Williams) and from patterns of our own.
package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/internal/password"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "commongen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("name one list of passwords")
	}
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer f.Close()
	all := ours()
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := strings.ToLower(strings.TrimSpace(s.Text())); line != "" {
			all = append(all, line)
		}
	}
	slices.Sort(all)
	return password.WriteFilter(os.Stdout, slices.Compact(all))
}

// ours are Swedish words and seasons with the years and signs that people put behind them: long enough for
// the rules, and the first that a guesser tries.
func ours() []string {
	var all []string
	roots := strings.Fields(`lösenord losenord sommar vinter höst host vår var januari februari mars april maj juni
		juli augusti september oktober november december måndag mandag fredag välkommen valkommen sverige stockholm
		göteborg goteborg malmö malmo hemligt inloggning admin password welcome summer winter autumn spring qwerty
		företaget foretaget portvakt`)
	for _, r := range roots {
		all = append(all, r, r+r, r+r+r)
		for _, tail := range []string{"1", "12", "123", "1234", "12345", "123456", "1234567", "12345678", "123456789", "1234567890"} {
			all = append(all, r+tail, r+tail+"!")
		}
		for year := 1940; year <= 2035; year++ {
			all = append(all, fmt.Sprintf("%s%d", r, year), fmt.Sprintf("%s%d!", r, year), fmt.Sprintf("%s%02d", r, year%100), fmt.Sprintf("%s%02d!", r, year%100))
		}
	}
	return all
}
