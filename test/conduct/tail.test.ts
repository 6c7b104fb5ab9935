import { expect, test } from 'vitest'
import { Tail } from '../../src/conduct/tail.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test('columns of other programs are shown with blanks, and what could act on a terminal as text', () => {
  const tail = new Tail(3)
  expect(tail.push(bytes('web\t2 rows\n\u001b[2J\n\t\nlast'))).toEqual(['web  2 rows', '\\u001b[2J'])
  expect(tail.push(bytes(' one\r'))).toEqual(['last one'])
})
