// The words of the app in both languages, and the choice between them.
export const texts = {
  sv: {
    login: "Logga in",
    logout: "Logga ut",
    logoutWhy: "Loggar ut dig från alla appar.",
    here: "Logga ut bara här",
    hereWhy: "Då är du kvar i de andra apparna.",
    language: "Språk",
    welcome: "Ditt schema i fickan",
    welcomeText: "Logga in så ser du nästa pass och dina semesterdagar.",
    hello: (name) => (name ? `Hej ${name}!` : "Hej!"),
    shift: "Nästa pass",
    later: "Sedan",
    holiday: "Semester",
    left: "Dagar kvar i år",
    saved: "Sparade dagar",
    taken: "Uttagna dagar",
    offline: "Du är offline. Vi försöker igen när nätet är tillbaka.",
    trouble: "Inloggningen svarar inte just nu. Vi försöker igen om en stund.",
    again: "Försök igen",
    waiting: "Ett ögonblick …",
    signedOut: "Du är utloggad",
    signedOutText: "Du är utloggad från alla appar. Ha en fin dag!",
    signedOutHere: "Du är utloggad här",
    signedOutHereText: "I andra appar kan du fortfarande vara inloggad.",
    ended: "Du behöver logga in igen",
    endedText: "Din inloggning har tagit slut. Det går fort att logga in igen.",
    failed: "Du blev inte inloggad",
    failedText: "Det är ingen fara. Tryck på knappen så börjar vi om.",
  },
  en: {
    login: "Log in",
    logout: "Log out",
    logoutWhy: "Logs you out of all your apps.",
    here: "Log out only here",
    hereWhy: "You stay logged in to your other apps.",
    language: "Language",
    welcome: "Your schedule in your pocket",
    welcomeText: "Log in to see your next shift and your holidays.",
    hello: (name) => (name ? `Hello ${name}!` : "Hello!"),
    shift: "Next shift",
    later: "After that",
    holiday: "Holiday",
    left: "Days left this year",
    saved: "Saved days",
    taken: "Days taken",
    offline: "You are offline. We try again when the network is back.",
    trouble: "The login service does not answer. We try again in a moment.",
    again: "Try again",
    waiting: "One moment …",
    signedOut: "You are logged out",
    signedOutText: "You are logged out of all your apps. Have a nice day!",
    signedOutHere: "You are logged out here",
    signedOutHereText: "You may still be logged in to other apps.",
    ended: "Please log in again",
    endedText: "Your login has ended. Logging in again is quick.",
    failed: "You were not logged in",
    failedText: "No harm done. Press the button and we start again.",
  },
};

const kept = "hrmmobile.lang";

// chooseLanguage: asked for now, asked for before, the browser's, the app's own.
export function chooseLanguage(location, storage, wanted, fallback) {
  const asked = new URLSearchParams(location.search).get("lang");
  if (texts[asked]) storage.setItem(kept, asked);
  const wishes = [asked, storage.getItem(kept), ...wanted.map((tag) => tag.slice(0, 2).toLowerCase()), fallback];
  return wishes.find((lang) => texts[lang]) ?? "sv";
}
