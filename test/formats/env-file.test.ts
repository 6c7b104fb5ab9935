import { describe, expect, it } from 'vitest'
import {
  differencesOf,
  readVariable,
  variablesOf,
  withoutVariable,
  withVariable,
} from '../../src/formats/env-file.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const text = (body: Uint8Array): string => Buffer.from(body).toString('latin1')

describe('one variable of an env file', () => {
  it.each([
    ['plain', 'A=1\nMODE=on\nB=2\n', 'A=1\nMODE=off\nB=2\n'],
    ['with CRLF', 'A=1\r\nMODE=on\r\nB=2\r\n', 'A=1\r\nMODE=off\r\nB=2\r\n'],
    ['exported, with blanks', '  export MODE = on \nB=2\n', '  export MODE = off \nB=2\n'],
    ['in single quotes', "MODE='on'\n", "MODE='off'\n"],
    ['in double quotes, with a comment', 'MODE="on" # all of them\n', 'MODE="off" # all of them\n'],
    ['with a comment', 'MODE=on # since May\n', 'MODE=off # since May\n'],
    ['after a comment that names it', '# MODE=on\nMODE=on\n', '# MODE=on\nMODE=off\n'],
    ['beside one whose name it begins', 'MODE_X=on\nXMODE=on\nMODE=on\n', 'MODE_X=on\nXMODE=on\nMODE=off\n'],
    ['within a value of another', 'A="\nMODE=on\n"\nMODE=on\n', 'A="\nMODE=on\n"\nMODE=off\n'],
    ['empty', 'MODE=\nB=2', 'MODE=off\nB=2'],
    ['that begins like a comment', 'MODE=#fff\n', 'MODE=off\n'],
    ['that begins like a comment after a space', 'MODE= # none\n', 'MODE= off\n'],
    ['after a colon', 'MODE: on\nB=2\n', 'MODE: off\nB=2\n'],
    ['after another on its line', 'A="1" MODE=on # x\n', 'A="1" MODE=off # x\n'],
    ['made of another', 'A=1\nMODE=on${A}\n', 'A=1\nMODE=off\n'],
    ['last, without an end of line', 'A=1\nMODE=on', 'A=1\nMODE=off'],
    ['first, after a byte order mark', '\u00ef\u00bb\u00bfMODE=on\n', '\u00ef\u00bb\u00bfMODE=off\n'],
    ['beside bytes that are no UTF-8', 'A=\u00ff\u00fe\nMODE=on\n', 'A=\u00ff\u00fe\nMODE=off\n'],
    ['missing: added', 'A=1\n', 'A=1\nMODE=off\n'],
    ['missing, with CRLF', 'A=1\r\n', 'A=1\r\nMODE=off\r\n'],
    ['missing, without an end of line', 'A=1', 'A=1\nMODE=off'],
    ['missing in an empty file', '', 'MODE=off\n'],
    ['as wanted already', 'MODE="off"\n', 'MODE="off"\n'],
  ])('is set where it stands: %s', (_, before, after) => {
    expect(text(withVariable(bytes(before), 'MODE', 'off'))).toBe(after)
    expect(readVariable(withVariable(bytes(before), 'MODE', 'off'), 'MODE')).toBe('off')
  })

  it.each(['a b', "it's", 'a"b$c\\d', '#no', 'ü', '', '$HOME', '=x'])(
    'keeps its value as it was given: %j',
    (value) => {
      for (const file of ['A=1\n', 'MODE=on\n', "MODE='on'\n", 'MODE="on"\n']) {
        const set = withVariable(bytes(file), 'MODE', value)
        expect(readVariable(set, 'MODE')).toBe(value)
        expect(Object.keys(variablesOf(set))).toEqual(
          Object.keys({ ...variablesOf(bytes(file)), MODE: value }),
        )
      }
    },
  )

  it.each([
    ['set twice', 'MODE=on\nA=1\nexport MODE=off\n', 'it sets MODE 2 times'],
    ['a bare name', 'MODE\n', '"MODE" has no value'],
    ['an open quote', "A='x\nMODE=on\n", 'unclosed quote in the value of A'],
    ['binary', 'MODE=on\0', 'it contains NUL bytes'],
  ])('is refused where nobody can tell: %s', (_, file, says) => {
    expect(() => withVariable(bytes(file), 'MODE', 'off')).toThrow(says)
    expect(() => readVariable(bytes(file), 'MODE')).toThrow(says)
  })

  it('is refused where it must be there and is not, and where no file could hold it', () => {
    expect(() => withVariable(bytes('A=1\n'), 'MODE', 'off', 'refuse')).toThrow('it does not set MODE')
    expect(() => withVariable(bytes(''), 'MODE X', 'off')).toThrow('is not a variable name')
    expect(() => withVariable(bytes(''), 'MODE', 'off\nA=1')).toThrow('control characters')
  })

  it('is emptied before a comment, which does not become the value', () => {
    expect(text(withVariable(bytes('MODE=on # x\n'), 'MODE', ''))).toBe("MODE='' # x\n")
    expect(text(withVariable(bytes('MODE=on\n'), 'MODE', ''))).toBe('MODE=\n')
  })

  it('is removed with its line and nothing else', () => {
    expect(text(withoutVariable(bytes('A=1\r\nMODE="x\ny"\r\nB=2'), 'MODE'))).toBe('A=1\r\nB=2')
    expect(text(withoutVariable(bytes('A=1'), 'MODE'))).toBe('A=1')
    for (const before of ['', 'A=1', 'A=1\n', 'A=1\r\nB=2', 'A=1\r\n', 'A=1\n\n'])
      expect(text(withoutVariable(withVariable(bytes(before), 'MODE', 'x'), 'MODE'))).toBe(before)
  })
})

it('differences name what changed, and no secret', () => {
  const before = bytes('A=1\nDB_PASSWORD=old\nURL=postgres://u:p@h/d\nGONE=x\nSAME=y\n')
  const after = bytes('A=2\nDB_PASSWORD=new\nURL=postgres://u:q@h/d\nSAME=y\nAPI_TOKEN=t\nNEW=z\n')
  expect(differencesOf(before, after)).toEqual([
    '~ A: "1" becomes "2"',
    '+ API_TOKEN=(masked)',
    '~ DB_PASSWORD: (masked) becomes another value',
    '- GONE="x"',
    '+ NEW="z"',
    '~ URL: (masked) becomes another value',
  ])
})
