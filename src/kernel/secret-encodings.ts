/**
 * The encodings of a secret that are masked in output. No other transformation is recognised: not encryption,
 * compression, line-wrapped base64, or one that drops characters.
 */
export function encodingsOf(text: string): readonly Buffer[] {
  const found = new Map<string, Buffer>()
  for (const part of linesOf(text)) {
    for (const spelling of [
      part,
      ...base64(part),
      ...hex(part),
      ...escaped(part.toString('utf8')),
      utf16(part),
    ]) {
      if (spelling.length >= shortestPart) found.set(spelling.toString('latin1'), spelling)
    }
  }
  return [...found.values()]
}

/**
 * A shorter line of a multi-line secret is masked only as part of the full text: alone it would match common
 * words.
 */
const shortestPart = 8

// Terminals and log collectors split a multi-line secret, or turn \n into \r\n: each line is searched by
// itself.
function linesOf(text: string): readonly Buffer[] {
  const lines = text.split(/\r\n|\n|\r/).filter((line) => line.trim().length > 0)
  return [text, ...lines].map((part) => Buffer.from(part)).filter((part) => part.length >= shortestPart)
}

// The base64 of a secret depends on its offset within a group of three bytes. Characters that also depend on
// a neighbour are left out, so at most four bits of the first and last byte stay readable.
function base64(part: Buffer): readonly Buffer[] {
  return [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), part]).toString('base64')
    const own = text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + part.length) * 8) / 6))
    return [Buffer.from(own), Buffer.from(own.replaceAll('+', '-').replaceAll('/', '_'))]
  })
}

function hex(part: Buffer): readonly Buffer[] {
  const text = part.toString('hex')
  return [Buffer.from(text), Buffer.from(text.toUpperCase())]
}

const utf16 = (part: Buffer): Buffer => Buffer.from(part.toString('utf8'), 'utf16le')

function escaped(text: string): readonly Buffer[] {
  return [...percent(text), ...json(text), ...shell(text)].map((spelling) => Buffer.from(spelling))
}

// The characters that each variant leaves unescaped, besides letters and digits.
const percentKeeps = {
  component: /[-_.!~*'()]/,
  rfc3986: /[-_.~]/,
  form: /[-_.*]/,
  uri: /[-_.!~*'();/?:@&=+$,#]/,
  userinfo: /[-_.!~*'()$&+,%]/,
}

function percent(text: string): readonly string[] {
  return Object.entries(percentKeeps).flatMap(([kind, keeps]) => {
    const encoded = [...text]
      .map((character) => {
        if (kind === 'form' && character === ' ') return '+'
        return /[A-Za-z0-9]/.test(character) || keeps.test(character) ? character : percentBytes(character)
      })
      .join('')
    return [encoded, encoded.replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())]
  })
}

const percentBytes = (character: string): string =>
  [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')

const unicode = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

// Plain; with `/` escaped (PHP); in ASCII only (Python); safe within HTML (Go). Upper-case digits occur too.
function json(text: string): readonly string[] {
  const plain = JSON.stringify(text).slice(1, -1)
  const ascii = plain.replaceAll(/[^ -~]/g, unicode)
  const html = plain.replaceAll(/[<>&\u2028\u2029]/g, unicode)
  return [plain, plain.replaceAll('/', '\\/'), ascii, ascii.replaceAll('/', '\\/'), html].flatMap(
    (spelling) => [
      spelling,
      spelling.replaceAll(/\\u[0-9a-f]{4}/g, (escape) => `\\u${escape.slice(2).toUpperCase()}`),
    ],
  )
}

// Within '...' by POSIX and as Python's shlex writes it; within "..."; bare with backslashes (printf %q); and
// within $'...'.
function shell(text: string): readonly string[] {
  return [
    text.replaceAll("'", "'\\''"),
    text.replaceAll("'", `'"'"'`),
    text.replaceAll(/[\\"$`]/g, '\\$&'),
    text.replaceAll(/[\\"$`!]/g, '\\$&'),
    text.replaceAll(/[\s'"\\|&;()<>!{}*[?\]^$`,]|^#|(?<=^|[:=])~/g, '\\$&'),
    text.replaceAll(/[\s'"\\|&;()<>!{}*[?\]^$`]|^#|(?<=^|[:=])~/g, '\\$&'),
    text.replaceAll(/[\\']/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t').replaceAll('\r', '\\r'),
  ]
}
