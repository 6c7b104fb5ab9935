import { spawn } from 'node:child_process'
import { expect, it } from 'vitest'
import { asking } from '../fixtures/asking.ts'
import { program } from '../fixtures/requirements.ts'

it.skipIf(!program('script'))('the prompt is shown on a real terminal, and takes what is typed', async () => {
  const quoted = `'${process.execPath}' --input-type=module -e '${asking.replaceAll("'", "'\\''")}'`
  const terminal = spawn('script', ['-qefc', quoted, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', CI: '' },
  })
  let screen = ''
  let step = 0
  const turns = [
    ['To continue, type exactly:', 'wrong\r'],
    ['2 tries left', 'restore shop\r'],
  ] as const
  terminal.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString()
    const turn = turns[step]
    if (turn === undefined || !screen.includes(turn[0])) return
    step++
    terminal.stdin.write(turn[1])
  })
  const exit = await new Promise((resolve) => terminal.on('close', resolve))
  expect(screen).toContain('dump: shop.dump')
  expect(screen).toContain('answered terminal restore shop')
  expect(exit).toBe(0)
})
