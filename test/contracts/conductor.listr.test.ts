import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import { listrConductor, type ListrConductor } from '../../src/conduct/listr.ts'
import type { Drawing } from '../../src/conduct/drawing.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { conductorContract, run } from './conductor.contract.ts'

function screen(
  drawing: Drawing,
  earlier: readonly string[] = [],
): { readonly conductor: ListrConductor; text(): string } {
  const stream = Object.assign(new PassThrough(), { columns: 100, rows: 30, isTTY: true })
  const conductor = listrConductor({
    drawing,
    stream: stream as unknown as NodeJS.WriteStream,
    clock: systemClock,
    earlier,
  })
  return { conductor, text: () => stripVTControlCharacters(String(stream.read() ?? '')) }
}

for (const drawing of ['live', 'lines', 'silent'] as const)
  conductorContract(`Listr2, ${drawing}`, () => screen(drawing).conductor)

describe('what is drawn', () => {
  const step = (id: string) => ({ ...run(id) })

  test.each(['live', 'lines'] as const)(
    '%s: titles, notes, output, what was done before, and why it failed',
    async (drawing) => {
      const { conductor, text } = screen(drawing, ['Do earlier'])
      await conductor.conduct('forward', [step('a'), step('b')], async (todo) => {
        const id = 'step' in todo ? todo.step.id : ''
        conductor.listener({ type: 'note', step: id, line: 'noted \u001b[2J' })
        conductor.listener({ type: 'output', step: id, chunk: Buffer.from('half a li') })
        conductor.listener({ type: 'output', step: id, chunk: Buffer.from('ne\nrest') })
        await new Promise((resolve) => setTimeout(resolve, 250))
        return id === 'a'
          ? { ok: true, as: 'already' }
          : { ok: false, failure: { code: 'failed', message: 'it broke' } }
      })
      const seen = text()
      expect(seen).toContain('Do earlier (done before)')
      expect(seen).toContain('Do a (already done)')
      expect(seen).toContain('noted \\u001b[2J')
      expect(seen).toContain('half a line')
      expect(seen).toContain('Do b: it broke')
    },
  )

  test('the way back says so', async () => {
    const { conductor, text } = screen('lines')
    await conductor.conduct('back', [{ ...run('a'), do: 'undo' } as ReturnType<typeof run>], async () => ({
      ok: true,
      as: 'done',
    }))
    expect(text()).toContain('Rolling back: undo Do a')
  })

  test('silence', async () => {
    const { conductor, text } = screen('silent')
    await conductor.conduct('forward', [step('a')], async () => ({ ok: true, as: 'done' }))
    expect(text()).toBe('')
  })

  test('plain lines of one step end with a pointer to its log', async () => {
    const { conductor, text } = screen('lines')
    await conductor.conduct('forward', [step('a')], async () => {
      for (let index = 0; index < 1000; index++)
        conductor.listener({ type: 'note', step: 'a', line: `line ${index}` })
      return { ok: true, as: 'done' }
    })
    const seen = text()
    expect(seen.match(/line \d+/g)).toHaveLength(200)
    expect(seen.match(/more output is in the log of this step/g)).toHaveLength(1)
  })

  test('an announcement stands beside the running step', async () => {
    const { conductor, text } = screen('live')
    await conductor.conduct('forward', [step('a')], async () => {
      conductor.announce('will stop after this step')
      await new Promise((resolve) => setTimeout(resolve, 20))
      return { ok: true, as: 'done' }
    })
    expect(text()).toContain('will stop after this step')
  })

  test('listens to no signal', async () => {
    const before = process.listenerCount('SIGINT')
    const { conductor } = screen('silent')
    await conductor.conduct('forward', [step('a')], async () => {
      expect(process.listenerCount('SIGINT')).toBe(before)
      return { ok: true, as: 'done' }
    })
  })
})
