import { Writable } from 'node:stream'
import { createLogUpdate } from 'log-update'
import { expect, test } from 'vitest'
import { withoutEmptyLines } from '../../src/conduct/frame.ts'
import { textOf } from '../fixtures/asciicast.ts'

const rows = 12

/** What is on a terminal of twelve rows after these frames, below so many lines that were there before. */
async function left(before: number, frames: readonly string[]): Promise<string> {
  let text = Array.from({ length: before }, (_, index) => `before ${index + 1}\r\n`).join('')
  const stream = Object.assign(
    new Writable({
      write(chunk: Buffer, _, done) {
        text += chunk.toString().replaceAll('\n', '\r\n')
        done()
      },
    }),
    { columns: 40, rows },
  )
  const update = createLogUpdate(stream as unknown as NodeJS.WriteStream, { showCursor: true })
  for (const frame of frames) update(withoutEmptyLines(frame))
  // As Listr2 ends a list.
  update.clear()
  update.done()
  stream.write(`${steps}\n`)
  return textOf({ width: 40, height: rows, title: '', shown: [{ at: 0, text }] })
}

const steps = ['one', 'two', 'three'].join('\n')
const footer = 'running'
const question = 'Wrong answer\nGo on?\n> no'

test.each([0, 8, 20])(
  'below %s lines, a question that is asked twice takes no line of what is above it',
  async (before) => {
    const frames = [
      [steps, footer],
      [steps, footer, 'Go on?\n>'],
      [steps, footer],
      [steps, footer, question],
      [steps, footer],
    ].map((parts) => parts.join('\n\n'))
    const shown = (await left(before, frames)).split('\n').map((line) => line.trimEnd())
    const lines = Array.from({ length: before }, (_, index) => `before ${index + 1}`)
    expect(shown).toEqual([...lines, 'one', 'two', 'three'])
  },
)

test('an empty frame stays empty', () => {
  expect(withoutEmptyLines('')).toBe('')
  expect(withoutEmptyLines('a\n\nb')).toBe('a\n \nb')
})
