// The words of the app. They come from the issuer's texts, one file for a language,
// and are kept for the time without a network.
const kept = "portvakt.authenticator.lang";

// chooseLanguage: chosen here before, the browser's, the first there is.
export function chooseLanguage(languages, storage, wanted) {
  const known = languages.map(({ lang }) => lang);
  const wishes = [storage.getItem(kept), ...wanted.map((tag) => tag.split("-")[0].toLowerCase())];
  return wishes.find((lang) => known.includes(lang)) ?? known[0];
}

export const keepLanguage = (storage, lang) => storage.setItem(kept, lang);

// printer returns t(key, data), which fills the placeholders {{.Name}}.
export function printer(texts) {
  return (key, data = {}) => (texts[key] ?? key).replace(/\{\{\s*\.(\w+)\s*\}\}/g, (_, name) => String(data[name] ?? ""));
}
