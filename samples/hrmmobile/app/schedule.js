// A believable schedule, made up from today: what a real HR system would send.

const times = [
  ["07:00", "16:00"],
  ["06:30", "15:30"],
  ["09:00", "18:00"],
];

// nextShifts lists the coming working days.
export function nextShifts(today, count = 3) {
  const shifts = [];
  for (let ahead = 1; shifts.length < count; ahead++) {
    const day = new Date(today.getFullYear(), today.getMonth(), today.getDate() + ahead);
    if (day.getDay() === 0 || day.getDay() === 6) continue;
    const [from, to] = times[day.getDate() % times.length];
    shifts.push({ day, from, to });
  }
  return shifts;
}

export const holidays = { left: 14, saved: 5, taken: 11 };
