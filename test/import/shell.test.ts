import { expect, test } from 'vitest'
import { composeOf, dockerOf, inContainer, programOf } from '../../src/import/docker.ts'
import { optionsOf, splitAtOperand } from '../../src/import/options.ts'
import { readShell, type Call, type Line } from '../../src/import/shell.ts'

const linesOf = (code: string): readonly Line[] => readShell(code, 1).lines
const callOf = (code: string): Call => {
  const [line] = linesOf(code)
  if (line === undefined) throw new Error(`no command in ${code}`)
  return line.stages[0]
}

test('a command has its words without quotes, its variables and its redirections', () => {
  expect(callOf(`A='x y' ./bin/do.sh --name "a b" c\\ d < in.sql >> out.log`)).toMatchObject({
    program: 'do.sh',
    path: './bin/do.sh',
    args: ['--name', 'a b', 'c d'],
    variables: new Map([['A', 'x y']]),
    reads: ['in.sql'],
    writes: ['out.log'],
  })
})

test('expansions stay as they are written', () => {
  expect(callOf('cp "$FROM" /tmp/a-$(date +%F).db').args).toEqual(['$FROM', '/tmp/a-$(date +%F).db'])
})

test('programs that start another one are left out', () => {
  expect(callOf('sudo -u postgres A=1 timeout -k 5 30 pg_dump shop')).toMatchObject({
    program: 'pg_dump',
    args: ['shop'],
    wrappers: ['sudo', 'timeout'],
    variables: new Map([['A', '1']]),
  })
  expect(callOf('env').program).toBe('env')
})

test('lines are those of the document, in loops, branches and substitutions too', () => {
  const code = [
    'set -o pipefail',
    'for f in *; do',
    '  rm "$f"',
    'done',
    'if true; then',
    '  a | b',
    'else',
    '  exit 1',
    'fi',
    'X=$(ls -t | head -1)',
  ].join('\n')
  expect(
    readShell(code, 10).lines.map(({ line, text, within, pipefail }) => [line, text, within, pipefail]),
  ).toEqual([
    [10, 'set -o pipefail', [], false],
    [12, 'rm "$f"', ['loop'], true],
    [14, 'true', ['condition'], true],
    [15, 'a | b', ['then'], true],
    [17, 'exit 1', ['else'], true],
    [19, 'X=$(ls -t | head -1)', [], true],
    [19, 'ls -t | head -1', ['substitution'], true],
  ])
})

test('a here-document is the input of its command', () => {
  expect(callOf('sqlite3 a.db <<EOF\nselect 1;\nEOF').input).toBe('select 1;\n')
})

test('a blank to fill in is a word, and stays as it is in the text', () => {
  const { lines, errors } = readShell('./restore.sh ./dumps/<file> --keep <n> > out.log', 1)
  expect(errors).toEqual([])
  expect(lines[0]).toMatchObject({
    text: './restore.sh ./dumps/<file> --keep <n> > out.log',
    stages: [{ args: ['./dumps/{file}', '--keep', '{n}'], reads: [], writes: ['out.log'] }],
  })
})

test('what is not shell is reported with its line', () => {
  expect(readShell('ls\nif true; then', 5).errors.map(({ line }) => line)).not.toEqual([])
})

test('commands of Compose are read behind their own options', () => {
  const compose = composeOf(
    callOf('docker compose -f infra/compose.yml --env-file .env logs -f --tail 5 api jobs'),
  )
  expect(compose).toMatchObject({ verb: 'logs', services: ['api', 'jobs'] })
  expect(compose?.global.value('file')).toBe('infra/compose.yml')
  expect(compose?.options.has('f', 'follow')).toBe(true)
  expect(compose?.options.value('tail')).toBe('5')
  expect(composeOf(callOf('docker-compose up -d'))?.verb).toBe('up')
  expect(composeOf(callOf('docker compose'))).toBeNull()
  expect(composeOf(callOf('docker ps'))).toBeNull()
})

test('the program inside a container is found', () => {
  expect(programOf(callOf('docker compose run --rm -e A=1 api alembic downgrade -1'))).toEqual({
    program: 'alembic',
    args: ['downgrade', '-1'],
    inside: 'api',
  })
  expect(programOf(callOf('docker exec -i -u app web sqlite3 /data/a.db'))).toEqual({
    program: 'sqlite3',
    args: ['/data/a.db'],
    inside: 'web',
  })
  expect(programOf(callOf('docker compose run --rm smoke'))).toMatchObject({
    program: 'docker',
    inside: null,
  })
})

test('commands of docker are read in both of their forms', () => {
  expect(dockerOf(callOf('docker run --rm -d -p 1:2 --name a postgres:16'))).toMatchObject({
    verb: 'run',
    operands: ['postgres:16'],
  })
  expect(dockerOf(callOf('docker container stop a b'))).toMatchObject({ verb: 'stop', operands: ['a', 'b'] })
  expect(dockerOf(callOf('docker image ls shop'))).toMatchObject({ verb: 'images', operands: ['shop'] })
})

test('options are read as GNU programs do', () => {
  const options = optionsOf(
    ['-xzf', 'a.tar', '--jobs=4', '-Fc', 'shop', '--', '-x'],
    ['file,f', 'jobs,j', 'F'],
  )
  expect(options.has('x')).toBe(true)
  expect(options.value('file')).toBe('a.tar')
  expect(options.value('jobs', 'j')).toBe('4')
  expect(options.value('F')).toBe('c')
  expect(options.value('missing')).toBeNull()
  expect(options.operands).toEqual(['shop', '-x'])
  expect(splitAtOperand(['-H', 'a', 'run', '-H', 'b'], ['host,H'])).toMatchObject({
    operand: 'run',
    rest: ['-H', 'b'],
  })
})

test('a path in a container is distinguished from one of this machine', () => {
  expect(inContainer('web:/data/a.db')).toEqual({ container: 'web', path: '/data/a.db' })
  expect(inContainer('/data/a.db')).toBeNull()
  expect(inContainer('./a:b')).toBeNull()
})
