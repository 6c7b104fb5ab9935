import { expect, test } from 'vitest'
import type { Concern } from '../../../src/run/readiness/check.ts'
import { merged } from '../../../src/run/readiness/merge.ts'

const refuse = (problem: string, more: Partial<Concern> = {}): Concern =>
  ({ level: 'refuse', about: 'it', problem, hint: 'fix it', ...more }) as Concern

const reportsOf = (...findings: readonly (readonly Concern[])[]) =>
  merged(
    findings.map((list, index) => ({ check: `check ${index}`, target: 'shop', answer: { findings: list } })),
  )

test('a problem is listed once, by the check that found it first, with all runbooks that it concerns', () => {
  const [first, second] = reportsOf(
    [refuse('no docker')],
    [
      refuse('no docker', { runbooks: ['b'] }),
      refuse('cannot list: no docker', { runbooks: ['a'] }),
      refuse('other'),
    ],
  )
  expect(first?.findings).toEqual([refuse('no docker', { runbooks: ['a', 'b'] })])
  expect(second?.findings).toEqual([refuse('other')])
})

test('a warning that is a problem elsewhere becomes one', () => {
  const [first] = reportsOf([refuse('full', { level: 'warn' })], [refuse('full')])
  expect(first?.findings).toMatchObject([{ level: 'refuse' }])
})

test('a check that could not look for a reason that another one reports has not looked', () => {
  const [first, second] = reportsOf([refuse('no docker')], [refuse('no docker', { unread: true })])
  expect(first?.unchecked).toEqual([])
  expect(second).toMatchObject({ findings: [], unchecked: [{ about: 'it', why: 'no docker' }] })
})

test('what a finding covers is about the same', () => {
  const [first, second] = reportsOf(
    [refuse('/x not found', { covers: ['/x: no such file'] })],
    [refuse('cannot read /x: no such file')],
  )
  expect(first?.findings).toEqual([refuse('/x not found')])
  expect(second?.findings).toEqual([])
})
