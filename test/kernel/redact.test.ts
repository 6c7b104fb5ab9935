import { spawnSync } from 'node:child_process'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/kernel/json.ts'
import { Redactor } from '../../src/kernel/redact.ts'
import { Secret } from '../../src/kernel/secret.ts'

// Written anew, apart from the product's own list, each as another program would do it.
const encodings: { readonly [name: string]: (text: string) => Buffer } = {
  raw: (text) => Buffer.from(text),
  base64: (text) => Buffer.from(Buffer.from(text).toString('base64').replace(/=+$/, '')),
  base64url: (text) => Buffer.from(Buffer.from(text).toString('base64url')),
  'base64 after one byte': (text) =>
    Buffer.from(Buffer.from(`:${text}`).toString('base64').replace(/=+$/, '').slice(2)),
  'base64 after two bytes': (text) =>
    Buffer.from(Buffer.from(`::${text}`).toString('base64').replace(/=+$/, '').slice(3)),
  hex: (text) => Buffer.from(Buffer.from(text).toString('hex')),
  HEX: (text) => Buffer.from(Buffer.from(text).toString('hex').toUpperCase()),
  percent: (text) => Buffer.from(encodeURIComponent(text)),
  form: (text) => Buffer.from(new URLSearchParams({ '': text }).toString().slice(1)),
  'percent in lower case': (text) =>
    Buffer.from(encodeURIComponent(text).replaceAll(/%../g, (escape) => escape.toLowerCase())),
  json: (text) => Buffer.from(JSON.stringify(text).slice(1, -1)),
  'json in ASCII': (text) =>
    Buffer.from(
      JSON.stringify(text)
        .slice(1, -1)
        .replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
    ),
  'shell, single quotes': (text) => Buffer.from(text.replaceAll("'", "'\\''")),
  'shell, double quotes': (text) => Buffer.from(text.replaceAll(/[$`"\\]/g, (special) => `\\${special}`)),
  utf16le: (text) => Buffer.from(text, 'utf16le'),
}

// The bits that a secret's last base64 character shares with whatever follows are no part of the promise.
const withoutSharedEnd = (name: string, bytes: Buffer): Buffer =>
  name.startsWith('base64') ? bytes.subarray(0, -1) : bytes

const secretText = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 8, maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom('a', 'b', "'", '"', '\\', '/', '%', '+', ' ', '$', '\n', 'é', '😀'),
    minLength: 8,
    maxLength: 24,
  }),
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 8, maxLength: 12 }),
)

const redactorOf = (...texts: readonly string[]): Redactor => {
  const redactor = new Redactor()
  texts.forEach((text, index) => redactor.add(new Secret(`S${index}`, text)))
  return redactor
}

const inPieces = (redactor: Redactor, bytes: Buffer, cuts: readonly number[]): Buffer => {
  const stream = redactor.stream()
  const borders = [
    0,
    ...cuts.map((cut) => cut % (bytes.length + 1)).sort((one, other) => one - other),
    bytes.length,
  ]
  const pieces = borders
    .slice(1)
    .map((border, index) => Buffer.from(stream.push(bytes.subarray(borders[index], border))))
  return Buffer.concat([...pieces, stream.end()])
}

describe('a redactor', () => {
  it.each(Object.entries(encodings))(
    'leaves nothing of a secret spelled as %s, however the bytes are split',
    (name, encode) => {
      fc.assert(
        fc.property(
          secretText,
          fc.string(),
          fc.string(),
          fc.array(fc.nat(200), { maxLength: 6 }),
          (text, before, after, cuts) => {
            const spelled = withoutSharedEnd(name, encode(text))
            const bytes = Buffer.concat([Buffer.from(before), encode(text), Buffer.from(after)])
            const masked = inPieces(redactorOf(text), bytes, cuts)
            expect(masked.includes(spelled)).toBe(false)
            expect(masked.equals(inPieces(redactorOf(text), bytes, []))).toBe(true)
          },
        ),
        { numRuns: 150 },
      )
    },
  )

  it.each([
    [
      'http://user:CANARYpw12@127.0.0.1:8862/echo/CANARYpath',
      'you sent /echo/CANARYpath auth Basic dXNlcjpDQU5BUllwdzEy',
      'you sent [redacted:S0] auth Basic [redacted:S0]',
    ],
    [
      'https://hooks.example/services/T0/B0/abcdefghijkl',
      'services: /services/T0/B0/abcdefghijkl, T0/B0/abcdefghijkl, abcdefghijkl',
      'services: [redacted:S0], [redacted:S0], [redacted:S0]',
    ],
    ['https://a.example/CHANNELid/room', 'CHANNELid or room', '[redacted:S0] or room'],
    [
      'https://a.example/send?key=s3cretkey&to=me',
      '/send?key=s3cretkey&to=me key=s3cretkey&to=me s3cretkey',
      '[redacted:S0] [redacted:S0] [redacted:S0]',
    ],
    ['https://0123456789abcdef@errors.example/7', '0123456789abcdef', '[redacted:S0]'],
    [
      'postgres://app:p%40ssword1@db:5432/shop',
      'password p@ssword1 or p%40ssword1 of app',
      'password [redacted:S0] or [redacted:S0] of app',
    ],
    [
      'Basic dXNlcjpDQU5BUllwdzEy',
      'dXNlcjpDQU5BUllwdzEy is CANARYpw12 of user',
      '[redacted:S0] is [redacted:S0] of user',
    ],
    ['not a URL: just/some/words', 'just/some/words', 'just/some/words'],
  ])('masks the parts of %s that give it away', (secret, text, masked) => {
    expect(redactorOf(secret).text(text)).toBe(masked)
  })

  it('does not mask a part of a URL that the configuration shows anyway, but always its password', () => {
    const redactor = redactorOf('https://operator:CANARYpw12@a.example/api/health')
    redactor.publish('{"url":"http://app/api/health","user":"operator","oops":"CANARYpw12"}')
    expect(redactor.text('operator CANARYpw12 GET /api/health')).toBe(
      'operator [redacted:S0] GET /api/health',
    )
  })

  it('masks an ordinary word unless the configuration contains it, and names the secret then', () => {
    const redactor = redactorOf('postgres', 'postgres-2')
    expect(redactor.text('engine postgres, postgres-2')).toBe('engine [redacted:S0], [redacted:S1]')
    expect(redactor.publish('{"engine":"postgres","image":"postgres-2"}')).toEqual(['S0'])
    expect(redactor.text('engine postgres, postgres-2')).toBe('engine postgres, [redacted:S1]')
  })

  it('keeps the own name of a secret that is also part of another', () => {
    expect(redactorOf('postgres://app:the-password@db/shop', 'the-password').text('the-password')).toBe(
      '[redacted:S1]',
    )
  })

  it('gives the same for every single cut, and for one byte at a time', () => {
    const redactor = redactorOf('correct horse battery', 'battery staple', 'aaaaaaaa')
    const bytes = Buffer.from(
      'xcorrect horse battery staple aaaaaaaaaaa|correct horse correct horse batteryaaaaaaa',
    )
    const whole = redactor.text(bytes.toString())
    expect(whole).toBe('x[redacted:S0][redacted:S1] [redacted:S2]|correct horse [redacted:S0]aaaaaaa')
    for (let one = 0; one <= bytes.length; one++) {
      for (let other = one; other <= bytes.length; other++)
        expect(inPieces(redactor, bytes, [one, other]).toString()).toBe(whole)
    }
    expect(inPieces(redactor, bytes, [...bytes.keys()]).toString()).toBe(whole)
  })

  it('masks the longest of those that begin alike, whichever came first', () => {
    for (const secrets of [
      ['correct horse', 'correct horse battery'],
      ['correct horse battery', 'correct horse'],
    ]) {
      const redactor = redactorOf(...secrets)
      const label = `[redacted:S${secrets.indexOf('correct horse battery')}]`
      expect(redactor.text('<correct horse battery>')).toBe(`<${label}>`)
      expect(inPieces(redactor, Buffer.from('<correct horse battery>'), [16]).toString()).toBe(`<${label}>`)
      expect(redactor.text('<correct horse bat')).toBe(`<[redacted:S${secrets.indexOf('correct horse')}] bat`)
    }
  })

  it('agrees with a plain search for everything, for any secrets and any text of few letters', () => {
    const few = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 8, maxLength: 14 })
    const texts = fc.array(few, { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(
        texts,
        fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 80 }),
        fc.array(fc.nat(100)),
        (secrets, text, cuts) => {
          const hidden = new Set<number>()
          for (const secret of secrets) {
            for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + 1)) {
              for (let index = at; index < at + secret.length; index++) hidden.add(index)
            }
          }
          const kept = [...text].filter((_, index) => !hidden.has(index)).join('')
          const masked = inPieces(redactorOf(...secrets), Buffer.from(text), cuts).toString()
          expect(masked.replaceAll(/\[redacted:S\d\]/g, '')).toBe(kept)
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('keeps every byte of a text without secrets, even of broken UTF-8', () => {
    const redactor = redactorOf('s3cret-canary-value')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(300)), (bytes, cuts) => {
        expect(inPieces(redactor, Buffer.from(bytes), cuts).equals(Buffer.from(bytes))).toBe(true)
      }),
    )
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => redactor.text(text) === text))
    expect(redactor.text('lone \ud800 surrogate')).toBe('lone \ud800 surrogate')
  })

  it('masks each line of a multi-line secret by itself, in every encoding', () => {
    const key = '-----BEGIN KEY-----\nMC4CAQAwBQYDK2Vw\nshort\n-----END KEY-----\n'
    const redactor = redactorOf(key)
    expect(redactor.text(key.replaceAll('\n', '\r\n'))).toBe(
      '[redacted:S0]\r\n[redacted:S0]\r\nshort\r\n[redacted:S0]\r\n',
    )
    expect(redactor.text(key)).toBe('[redacted:S0]')
    for (const [name, encode] of Object.entries(encodings)) {
      const spelled = encode('MC4CAQAwBQYDK2Vw')
      const masked = inPieces(redactor, Buffer.concat([Buffer.from('> '), spelled, Buffer.from(' <')]), [])
      expect(masked.includes(withoutSharedEnd(name, spelled)), name).toBe(false)
    }
  })

  it('knows what bash itself prints for a secret', () => {
    const texts = fc.sample(
      fc.string({ unit: fc.constantFrom(...'ab \'"\\|&;()<>!{}*[?]^$`,~#:@é'), minLength: 8, maxLength: 20 }),
      200,
    )
    const asked = spawnSync(
      'bash',
      [
        '-c',
        'for text; do printf "%q\\0" "$text"; done; set -x; for text; do : "$text"; done',
        'bash',
        ...texts,
      ],
      {
        env: { LC_ALL: 'C.UTF-8', PS4: '+ ' },
      },
    )
    const printed = asked.stdout.toString().split('\0')
    texts.forEach((text, index) => {
      // With a byte outside ASCII some versions print $'...' in octal, which is not promised.
      const spelled = printed[index] ?? ''
      if (!spelled.startsWith("$'"))
        expect(redactorOf(text).text(`x ${spelled} y`), text).toMatch(/^x \\?\[redacted:S0\] y$/)
    })
    const traced = asked.stderr.toString()
    const masked = redactorOf(...texts).text(traced)
    expect(traced).toContain('+ : ')
    for (const text of texts) expect(masked).not.toContain(text.replaceAll("'", "'\\''"))
  })

  it('holds nothing back but the beginning of a secret', () => {
    const stream = redactorOf('s3cret-canary').stream()
    expect(Buffer.from(stream.push(Buffer.from('Continue? '))).toString()).toBe('Continue? ')
    expect(Buffer.from(stream.push(Buffer.from('it is s3cret-'))).toString()).toBe('it is ')
    expect(Buffer.from(stream.push(Buffer.from('service'))).toString()).toBe('s3cret-service')
    expect(Buffer.from(stream.push(Buffer.from('!s3cret'))).toString()).toBe('!')
    expect(Buffer.from(stream.end()).toString()).toBe('s3cret')
  })

  it('counts a secret from the moment it is added, in a stream under way too', () => {
    const redactor = new Redactor()
    const stream = redactor.stream()
    const seen = [stream.push(Buffer.from('before: canary-1; '))]
    redactor.add(new Secret('LATE', 'canary-1'))
    seen.push(stream.push(Buffer.from('after: cana')), stream.push(Buffer.from('ry-1.')), stream.end())
    expect(Buffer.concat(seen).toString()).toBe('before: canary-1; after: [redacted:LATE].')
  })

  it('masks a text that was shown before its secret was known, and one that is hidden no more', () => {
    const redactor = redactorOf('another secret')
    for (const text of ['a canary-1 b', 'as postgres']) expect(redactor.text(text)).toBe(text)
    redactor.add(new Secret('LATE', 'canary-1'))
    redactor.add(new Secret('WORD', 'postgres'))
    expect(redactor.text('a canary-1 b')).toBe('a [redacted:LATE] b')
    expect(redactor.text('as postgres')).toBe('as [redacted:WORD]')
    expect(redactor.publish('postgres://db')).toEqual(['WORD'])
    expect(redactor.text('as postgres')).toBe('as postgres')
  })

  it('masks deep in JSON: values, keys and numbers', () => {
    const redactor = redactorOf('canary"quoted', '1234567890')
    const value: Json = {
      list: ['a canary"quoted b', { 'canary"quoted': 1, '[redacted:S0]': 2 }],
      count: 1234567890,
      fine: [true, null, 0.5],
    }
    const expected = {
      list: ['a [redacted:S0] b', { '[redacted:S0]': 1, '[redacted:S0] (2)': 2 }],
      count: '[redacted:S1]',
      fine: [true, null, 0.5],
    }
    expect(redactor.json(value)).toEqual(expected)
    const hostile = JSON.parse('{"__proto__": {"x": "canary\\"quoted"}}') as Json
    expect(JSON.stringify(redactor.json(hostile))).toBe('{"__proto__":{"x":"[redacted:S0]"}}')
  })

  it('leaves no canary in any JSON, and any other JSON as it is', () => {
    const canary = 'c4nary/"\\é-value'
    const redactor = redactorOf(canary)
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, before) => {
        const held = { [`${before}${canary}`]: [value as Json, before + canary] }
        const written = JSON.stringify(redactor.json(held))
        for (const encode of Object.values(encodings))
          expect(Buffer.from(written).includes(encode(canary))).toBe(false)
        expect(redactor.json(value as Json)).toEqual(value)
      }),
    )
  })

  it('does not give a secret away by its name', () => {
    const redactor = new Redactor()
    redactor.add(new Secret('PGPASSWORD', 'PASSWORD'))
    redactor.add(new Secret('OTHER', 'redacted'))
    expect(redactor.text('is PASSWORD or redacted')).toBe('is [***] or [***]')
  })

  it('masks in what was masked once more without change', () => {
    const redactor = redactorOf('canary-value')
    expect(redactor.text(redactor.text('a canary-value'))).toBe('a [redacted:S0]')
  })
})
