/**
 * Makes foreign text harmless on a terminal: control characters (of both sets), those that turn the direction of writing, hide text or
 * break lines, and halves of characters are shown as `\u001b` is. Line breaks and tabs stay; what must be one line goes through `line`.
 * Written out and not by Unicode property: what was shown once must be shown the same by every later version.
 */
export function sanitize(text: string): string {
  return text.replace(unseen, shown)
}

const unseen =
  // oxlint-disable-next-line no-control-regex
  /[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}\p{Surrogate}]/gu

export function oneLine(text: string): string {
  return sanitize(text).replace(/[\n\t]/g, (found) => (found === '\n' ? '\\n' : '\\t'))
}

function shown(found: string): string {
  const code = found.codePointAt(0) ?? 0
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`
}
