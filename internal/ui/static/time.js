// Times are written in UTC and say so; where this script runs they are the person's own, as on her watch.
const language = document.documentElement.lang;
const own = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" });

for (const time of document.querySelectorAll("time[datetime]")) time.textContent = own.format(new Date(time.dateTime));
