import { expect, test } from 'vitest'
import { partsOf, procedureOf } from '../../src/import/document.ts'
import { readProcedure } from '../../src/import/procedure.ts'

const text = `# Shop

Read \`README.md\` first.

## 1) Stop

- [ ] Tell **everybody**
1. Then:

   ~~~sh
   docker ps

   docker stop web
   ~~~

**Notes:**

    ls /srv
`

test('headings, prose and code have their lines', () => {
  expect(partsOf(text).map(({ kind, line, text }) => [kind, line, text])).toEqual([
    ['heading', 1, 'Shop'],
    ['prose', 3, 'Read README.md first.'],
    ['inline', 3, 'README.md'],
    ['heading', 5, '1) Stop'],
    ['prose', 7, 'Tell everybody'],
    ['prose', 8, 'Then:'],
    ['code', 11, 'docker ps\n\ndocker stop web'],
    ['heading', 16, 'Notes'],
    ['code', 18, 'ls /srv'],
  ])
})

test('numbered headings are steps of the procedure above, and bold text is a heading below', () => {
  expect(partsOf(text).map((part) => procedureOf(part)?.title)).toEqual(
    Array.from({ length: 9 }, () => 'Shop'),
  )
  expect(
    partsOf(text)
      .at(-1)
      ?.headings.map(({ title }) => title),
  ).toEqual(['Shop', '1) Stop', 'Notes'])
  expect(partsOf('**Go back**\n\nDo it.\n').map((part) => procedureOf(part)?.title)).toEqual([
    'Go back',
    'Go back',
  ])
})

test('commands are those of blocks of shell, and of paragraphs where a known program has arguments', () => {
  const { steps, samples } = readProcedure(
    [
      'Needs `tar`, `docker compose` and `SETTING`. Run `docker ps -a`, `./bin/check.sh`, `GET /health`, `MODE=off`,',
      '`bin/check.sh --all`. Not `docker cp ...`, `port:deploy`, `downgrade()`, `--build`, `select count(*) from a`.',
      '',
      '```',
      '2026-01-02 10:00 | 1.0 | good',
      'shop/api:1.0',
      'services:',
      '  image: shop/api:1.0',
      '$ df -h',
      '```',
      '',
      '```json',
      '{"a": 1}',
      '```',
    ].join('\n'),
  )
  expect(steps.map(({ line, text, from }) => [line, text, from])).toEqual([
    [1, 'docker ps -a', 'inline'],
    [1, './bin/check.sh', 'inline'],
    [1, 'GET /health', 'inline'],
    [1, 'MODE=off', 'inline'],
    [2, 'bin/check.sh --all', 'inline'],
    [9, 'df -h', 'block'],
  ])
  expect(samples.map(({ line }) => line)).toEqual([5, 6, 7, 8, 13])
})
