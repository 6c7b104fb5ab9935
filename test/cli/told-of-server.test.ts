import { expect, it } from 'vitest'
import { toldOfServer } from '../../src/cli/told-of-server.ts'
import type { Stored } from '../../src/run/journal/entry.ts'

const via = { kind: 'server', host: 'db', port: 5432, password: null }
const stored = (type: string, input: object): Stored =>
  ({
    run: 'r',
    entry: { type, step: 's', attempt: 1, input, before: null, prediction: null },
  }) as unknown as Stored

it.each<[string, readonly Stored[], boolean]>([
  ['nothing was begun', [], false],
  [
    'a step was given a database',
    [stored('intent', { database: { engine: 'postgres', name: 'shop', via } })],
    true,
  ],
  [
    'a step was given several',
    [
      stored('intent', {
        file: null,
        databases: [{ engine: 'postgres', via: { kind: 'compose', service: 'db' } }],
      }),
    ],
    true,
  ],
  ['where it is was masked', [stored('intent', { database: { engine: 'postgres', via: '***' } })], true],
  ['a step was given its name only', [stored('intent', { name: 'shop', engine: 'postgres' })], false],
  [
    'a step was given a server of the run',
    [
      stored('intent', {
        throwaway: { database: { engine: 'postgres', via: { kind: 'throwaway', container: 'c' } } },
      }),
    ],
    false,
  ],
  ['a step was only foretold', [stored('foretold', { database: { engine: 'postgres', via } })], false],
])('where %s', (_, entries, told) => expect(toldOfServer(entries)).toBe(told))
