// The one way for text of a model into HTML and SVG, as text or as the value of an attribute.

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Control and direction characters become visible escapes: they could make a page show something else. */
export const escapeHtml = (text: string): string =>
  text
    .replace(
      /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
      (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
    )
    .replace(/[&<>"']/g, (character) => entities[character]!);
