import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import en from "./locales/en.json";

export const languages = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof languages;
const remembered = "stoa.language";

function preferred(): Language {
  const asked = [localStorage.getItem(remembered), ...navigator.languages].map((each) => each?.slice(0, 2));
  return (asked.find((each) => each && each in languages) as Language | undefined) ?? "en";
}

export async function setLanguage(language: Language) {
  // English is in the first load, since it is also what is shown for a word that a translation lacks.
  if (language === "de" && !i18next.hasResourceBundle("de", "translation")) {
    const { default: words } = await import("./locales/de.json");
    i18next.addResourceBundle("de", "translation", words);
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
  localStorage.setItem(remembered, language);
}

export async function startI18n() {
  await i18next.use(initReactI18next).init({
    lng: "en",
    fallbackLng: "en",
    resources: { en: { translation: en } },
    interpolation: { escapeValue: false }, // React escapes what it shows
  });
  const wanted = preferred();
  if (wanted !== "en") await setLanguage(wanted).catch(() => undefined); // the shop works in English meanwhile
  return i18next;
}
