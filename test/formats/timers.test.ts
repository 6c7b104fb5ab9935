import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Timer } from '../../src/drivers/timers.ts'
import { cronLines, timersIn, withoutTimers, withTimers } from '../../src/formats/crontab.ts'
import { staysIn, unitsOf } from '../../src/formats/systemd-unit.ts'

const timer: Timer = {
  name: 'runbook-shop-1a2b3c4d-drills',
  about: 'runbook: run the proofs that are due',
  every: 'hour',
  argv: ['/usr/bin/node', '/opt/runbook/bin/runbook.js', '--config', "/srv/it's 50% $HOME/runbook.config.ts"],
  directory: "/srv/it's 50% $HOME",
  environment: { PATH: '/usr/local/bin:/usr/bin', LABEL: 'a "b" 5% $c' },
  log: '/state/timers/drills.log',
}

test('the units of systemd', () => {
  expect([...unitsOf(timer)].map(([file, text]) => `# ${file}\n${text}`).join('\n')).toMatchInlineSnapshot(`
    "# runbook-shop-1a2b3c4d-drills.service
    [Unit]
    Description=runbook: run the proofs that are due
    After=network-online.target docker.service

    [Service]
    Type=oneshot
    WorkingDirectory=/srv/it's 50%% $HOME
    Environment="PATH=/usr/local/bin:/usr/bin"
    Environment="LABEL=a \\"b\\" 5%% $c"
    ExecStart="/usr/bin/node" "/opt/runbook/bin/runbook.js" "--config" "/srv/it's 50%% $$HOME/runbook.config.ts"
    TimeoutStopSec=infinity
    KillMode=mixed

    # runbook-shop-1a2b3c4d-drills.timer
    [Unit]
    Description=runbook: run the proofs that are due

    [Timer]
    OnCalendar=hourly
    RandomizedDelaySec=10min
    Persistent=true

    [Install]
    WantedBy=timers.target
    "
  `)
})

test('a service that stays is started again by systemd after a failure, and by cron within 20 seconds', () => {
  const units = unitsOf({ ...timer, every: 'minute' })
  const [service = '', start = ''] = [...units.values()]
  expect(service).toContain('\nType=exec\nRestart=on-failure\nRestartSec=1s\n')
  expect(start).toContain('\nOnCalendar=minutely\nOnActiveSec=1s\nAccuracySec=1s\n')
  expect([staysIn(service), staysIn([...unitsOf(timer).values()][0] ?? '')]).toEqual([true, false])
  expect(cronLines({ ...timer, every: 'minute' })[1]).toMatch(
    /^\* \* \* \* \* cd .* && for wait in 0 20 40; do \{ sleep \$wait; env .*; \} >> \S+drills\.log 2>&1 & done; wait$/,
  )
})

test('the lines of a crontab', () => {
  expect(cronLines({ ...timer, every: 'day' }).join('\n')).toMatchInlineSnapshot(`
    "# runbook timer runbook-shop-1a2b3c4d-drills: runbook: run the proofs that are due
    49 4 * * * cd '/srv/it'\\''s 50\\% $HOME' && env PATH=/usr/local/bin:/usr/bin 'LABEL=a "b" 5\\% $c' /usr/bin/node /opt/runbook/bin/runbook.js --config '/srv/it'\\''s 50\\% $HOME/runbook.config.ts' > /state/timers/drills.log 2>&1"
  `)
})

test.each([
  ['hour', 1],
  ['minute', 3],
] as const)('cron gives the shell exactly the arguments, whatever is in them, each %s', (every, starts) => {
  const folder = mkdtempSync(join(tmpdir(), 'cron-'))
  try {
    const log = join(folder, "a 100% log's")
    const argv = [
      '/bin/sh',
      '-c',
      'printf "%s\\n" "$PWD" "$LABEL" "$@"',
      'sh',
      "it's 50%",
      '$HOME `id`',
      '* "x"',
    ]
    const [, line = ''] = cronLines({ ...timer, every, argv, directory: folder, log })
    // crontab(5): the sixth field up to an unescaped %; a backslash before % is removed.
    const command = line
      .split(' ')
      .slice(5)
      .join(' ')
      .replaceAll(String.raw`\%`, '%')
    // It need not wait here.
    writeFileSync(join(folder, 'sleep'), '#!/bin/sh\n', { mode: 0o700 })
    const { status } = spawnSync('/bin/sh', ['-c', command], { env: { PATH: `${folder}:/usr/bin:/bin` } })
    expect(status).toBe(0)
    const printed = `${[folder, 'a "b" 5% $c', "it's 50%", '$HOME `id`', '* "x"'].join('\n')}\n`
    expect(readFileSync(log, 'utf8')).toBe(printed.repeat(starts))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test.each([
  ['', ''],
  ['0 3 * * * backup\n', '0 3 * * * backup\n'],
  ['0 3 * * * backup', '0 3 * * * backup\n'],
  ['# a comment\n\n0 3 * * * backup\n\n', '# a comment\n\n0 3 * * * backup\n\n'],
])('the other lines of %j stay as they are', (before, after) => {
  const one = withTimers(before, [timer])
  expect(timersIn(one)).toEqual([timer.name])
  expect(withTimers(one, [timer])).toBe(one)
  expect(withoutTimers(one, [timer.name])).toBe(after)
})

test.each(['a\nb', 'a\u0000b', 'a\u001bb'])('refuses %j, which neither can hold', (text) => {
  const hostile = { ...timer, argv: ['/usr/bin/true', text] }
  expect(() => unitsOf(hostile)).toThrow('control character')
  expect(() => cronLines(hostile)).toThrow('control character')
})
