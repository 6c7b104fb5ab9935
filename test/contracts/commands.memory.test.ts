import { fakeCommands, noPrograms, type FakeProgram } from '../../src/testing/commands.ts'
import { commandsContract } from './commands.contract.ts'

commandsContract('memory', async () => {
  const programs = noPrograms()
  const says: FakeProgram = {
    version: '3.14.1',
    run: async ({ argv: given, environment, secrets, input = '' }, signal) => {
      const argv = given[0] === 'bash' ? (given[2] ?? '').split(' ') : given
      const word = argv.at(-1) ?? ''
      if (word === 'wait')
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      const token = 'TOKEN' in secrets ? 'canary-1234' : ''
      return {
        exitCode: Number(word) || 0,
        output: `${argv.slice(1).join(' ')}\n${environment['GREETING'] ?? ''}\n${token}\n${input}\n`,
      }
    },
  }
  programs.installed.set('says', says).set('bash', says)
  return {
    commands: (scope) => fakeCommands(programs, scope),
    says: 'says',
    line: (words) => `says ${words}`,
    directory: '/',
    secret: { secret: 'token', from: { env: 'TOKEN' } },
    close: async () => undefined,
  }
})
