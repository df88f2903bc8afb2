// Times are written in UTC and say so; where this script runs they are the person's own, as on her watch. Of some the day is enough.
const language = document.documentElement.lang;
const own = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" });
const day = new Intl.DateTimeFormat(language, { dateStyle: "long" });

for (const time of document.querySelectorAll("time[datetime]")) time.textContent = ("day" in time.dataset ? day : own).format(new Date(time.dateTime));
