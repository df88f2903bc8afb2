package hrm

import (
	"hash/fnv"
	"time"
)

// payslip is one month's pay, in kronor.
type payslip struct {
	Month time.Time
	Paid  time.Time
	Gross int
	Tax   int
	Net   int
}

// day is one row of the time report. A day off has no hours.
type day struct {
	Date    time.Time
	In, Out string
	Break   string
	Worked  string
	Off     bool
}

// number makes up a figure that stays the same for the same person and month.
func number(key, of string, n int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key + "/" + of))
	return int(h.Sum32() % uint32(n))
}

// payslipsOf makes up the last five payslips, newest first.
func payslipsOf(key string, now time.Time) []payslip {
	var slips []payslip
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	for len(slips) < 5 {
		if paid := payday(month); !paid.After(now) {
			slips = append(slips, slip(key, month, paid))
		}
		month = month.AddDate(0, -1, 0)
	}
	return slips
}

// payday is the 25th, or the Friday before a weekend.
func payday(month time.Time) time.Time {
	paid := month.AddDate(0, 0, 24)
	for paid.Weekday() == time.Saturday || paid.Weekday() == time.Sunday {
		paid = paid.AddDate(0, 0, -1)
	}
	return paid
}

func slip(key string, month, paid time.Time) payslip {
	base := 31_200 + 400*number(key, "salary", 24)
	extra := 35 * number(key, month.Format("2006-01"), 40)
	gross := base + extra
	tax := gross * 23 / 100
	return payslip{Month: month, Paid: paid, Gross: gross, Tax: tax, Net: gross - tax}
}

// daysOf makes up the last eight working days before today, newest first.
func daysOf(key string, now time.Time) []day {
	var days []day
	for date := now.AddDate(0, 0, -1); len(days) < 8; date = date.AddDate(0, 0, -1) {
		if date.Weekday() != time.Saturday && date.Weekday() != time.Sunday {
			days = append(days, workday(key, date, len(days) > 0))
		}
	}
	return days
}

func workday(key string, date time.Time, mayBeOff bool) day {
	at := date.Format("2006-01-02")
	if mayBeOff && number(key, at+"off", 9) == 0 {
		return day{Date: date, Off: true}
	}
	in := 6*60 + 50 + number(key, at+"in", 25)
	pause := 30 + 5*number(key, at+"break", 4)
	worked := 7*60 + 45 + number(key, at+"worked", 35)
	return day{Date: date, In: clock(in), Out: clock(in + pause + worked), Break: clock(pause), Worked: clock(worked)}
}

func clock(minutes int) string {
	return time.Time{}.Add(time.Duration(minutes) * time.Minute).Format("15:04")
}
