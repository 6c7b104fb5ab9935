import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { composeLookup } from '../../src/formats/compose-environment.ts'
import {
  differencesOf,
  readVariable,
  variablesOf,
  withoutVariable,
  withVariable,
} from '../../src/formats/env-file.ts'
import { envFiles, envValues } from '../fixtures/env-values.ts'

const nothing = (): null => null
const bytes = (text: string): Uint8Array => Buffer.from(text)

describe('a value of an env file is what Compose makes of it', () => {
  it.each(envValues)('%s', (_, file, value) => {
    if (value === undefined)
      expect(() => variablesOf(bytes(file), nothing)).toThrow('cannot read the env file')
    else expect(variablesOf(bytes(file), nothing)['V'] ?? null).toBe(value)
  })

  it('whatever the file, setting one variable keeps every byte of the others', () => {
    fc.assert(
      fc.property(envFiles, fc.constantFrom('off', "it's", 'a\\', '$A', '"', ''), (file, value) => {
        try {
          readVariable(bytes(file), 'V')
        } catch {
          return
        }
        const set = withVariable(bytes(file), 'V', value)
        expect(readVariable(set, 'V')).toBe(value)
        const removed = withoutVariable(bytes(file), 'V')
        expect(readVariable(removed, 'V')).toBeNull()
        if (readVariable(bytes(file), 'V') === null) return
        // Both edits agree about what belongs to V.
        expect(Buffer.from(withoutVariable(set, 'V'))).toEqual(Buffer.from(removed))
      }),
    )
  })
})

describe('a value that only Compose can know', () => {
  const file = bytes('HOST_DIR=${HOME}/x\nTAG=${CI_TAG:-1}\nURL=db/${TAG}\nBARE\nOWN=1\nSUM=${OWN}0\n')

  it('is unknown, and so is what is made of it', () => {
    expect(variablesOf(file)).toEqual({
      HOST_DIR: null,
      TAG: null,
      URL: null,
      BARE: null,
      OWN: '1',
      SUM: '10',
    })
    expect(() => readVariable(file, 'URL')).toThrow(
      'the value of URL depends on variables that the file does not',
    )
    expect(() => readVariable(file, 'BARE')).toThrow('"BARE" has no value')
    expect(readVariable(file, 'SUM')).toBe('10')
  })

  it('is known where the stack sets it, which wins over the file', () => {
    const lookup = composeLookup({ CI_TAG: '7', OWN: '2' }, [
      bytes('BARE=b\nX=${CI_TAG}\n'),
      bytes('BARE=${X}c\n'),
    ])
    expect(variablesOf(file, lookup)).toEqual({
      HOST_DIR: null,
      TAG: '7',
      URL: 'db/7',
      BARE: '7c',
      OWN: '1',
      SUM: '20',
    })
  })

  it('is not compared as different where it is written the same', () => {
    expect(differencesOf(file, file)).toEqual([])
    expect(differencesOf(bytes('A=${X}\n'), bytes('A=${Y}\n'))).toEqual([
      '~ A: (known to Compose only) becomes (known to Compose only)',
    ])
  })
})
