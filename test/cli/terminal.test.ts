import { afterEach, expect, test, vi } from 'vitest'
import { processTerminal } from '../../src/cli/terminal.ts'
import { Redactor } from '../../src/kernel/redact.ts'
import { Secret } from '../../src/kernel/secret.ts'

const streams = [process.stdout, process.stderr]
const before = streams.map(({ isTTY, columns }) => ({ isTTY, columns }))
afterEach(() => {
  vi.restoreAllMocks()
  for (const [index, stream] of streams.entries()) Object.assign(stream, before[index])
})

/** A terminal of so many columns, and what is written to it. */
function terminalOf(columns: number) {
  const written: string[] = []
  for (const stream of streams) {
    Object.assign(stream, { isTTY: columns > 0, columns })
    vi.spyOn(stream, 'write').mockImplementation((text) => written.push(String(text)) > 0)
  }
  const redactor = new Redactor()
  redactor.add(new Secret('PHRASE', 'correct horse battery staple'))
  return { terminal: processTerminal(redactor), written }
}

test('a text for people is masked before it is broken, on both streams', () => {
  const { terminal, written } = terminalOf(30)
  const text =
    'cannot open: the phrase correct horse battery staple is wrong; type: runbook doctor --target shop\n'
  terminal.show(text)
  terminal.err(text)
  expect(written[0]).not.toMatch(/correct|horse|battery|staple/)
  expect(written[0]).toMatch(
    /^cannot open: the phrase\n {2}\[redacted:[^\]]*\] is( |\n {2})wrong;( |\n {2})type:\n {2}runbook doctor --target shop\n$/,
  )
  expect(written[1]).toBe(written[0])
})

test('a result is written as it is, and so is everything where there is no terminal', () => {
  const long = `${'word '.repeat(20)}\n`
  const at = terminalOf(30)
  at.terminal.out(long)
  expect(at.written).toEqual([long])
  vi.restoreAllMocks()
  const none = terminalOf(0)
  none.terminal.show(long)
  none.terminal.err(long)
  expect(none.written).toEqual([long, long])
})
