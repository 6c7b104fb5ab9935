import { expect, test } from 'vitest'
import { cases } from '../../steps/diagnose/cases.ts'

const range = (document: string, from: number, to: number): readonly string[] => Array.from({ length: to - from + 1 }, (_, index) => `${document}.${from + index}`)

/** The troubleshooting lines and scenarios of the five documents, by their numbers. */
const troubleshooting = [...range('S0', 28, 31), ...range('S1', 76, 82), ...range('S2', 1, 4), ...range('S2', 35, 38), ...range('S4', 9, 24), 'S4.71', 'S4.79', ...range('S4', 90, 106)]

test('every troubleshooting line of the documents is covered by one case', () => {
  const covered = cases.flatMap(({ lines }) => lines)
  expect(troubleshooting.filter((line) => !covered.includes(line))).toEqual([])
  expect(covered).toHaveLength(new Set(covered).size)
})

test('cases are told apart by their ids', () => {
  expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length)
})
