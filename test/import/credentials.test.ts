import { describe, expect, it } from 'vitest'
import { withoutCredentials } from '../../src/import/credentials.ts'
import { importOf, reportText } from '../../src/import/report.ts'

const carrying: readonly string[] = [
  'export PGPASSWORD=hunter2222',
  'BACKUP_TOKEN="hunter2222"',
  "PGPASSWORD='hunter2222' psql -h db -U shop -c 'select 1'",
  'docker run --rm -e POSTGRES_PASSWORD=hunter2222 postgres:17',
  'export STRIPE_API_KEY=hunter2222',
  'gpg --batch --passphrase hunter2222 -d /backups/x.gpg > /tmp/x',
  'restic --password=hunter2222 snapshots',
  'vault login --client-secret hunter2222',
  'openssl enc -d -aes-256-cbc -pass pass:hunter2222 -in a.enc -out a',
  'mysql -u root -phunter2222 shop < dump.sql',
  'sshpass -p hunter2222 ssh backup@host ls',
  'curl -u admin:hunter2222 http://127.0.0.1:8000/health',
  'curl -H "Authorization: Bearer hunter2222" http://127.0.0.1:8000/health',
  'curl -H "X-Api-Key: hunter2222" http://127.0.0.1:8000/health',
  'curl https://example.org/health?token=hunter2222',
  'pg_restore -d postgres://shop:hunter2222@db.example.org/shop /backups/shop.dump',
  'psql -c "ALTER ROLE shop PASSWORD \'hunter2222\'"',
]

/** Nothing in them is a credential. */
const harmless: readonly string[] = [
  'export PGPASSWORD=$(cat /run/secrets/db)',
  'PGPASSWORD="$DB_PASSWORD" psql -h db',
  'gpg --passphrase-file /root/.phrase --passphrase "$PHRASE" -d x.gpg',
  'psql --password shop',
  'pg_restore --no-password --dbname shop x.dump',
  'docker exec --user 1000:1000 db ls',
  'docker run -u root:root busybox',
  'docker build --secret id=npm,src=.npmrc .',
  'mysql -u root -p shop',
  "sed -i 's/^DB_PASSWORD=.*/DB_PASSWORD=/' .env",
  'export SSH_KEY=/root/.ssh/id_ed25519',
  'export TOKEN=<token>',
  'curl http://127.0.0.1:8000/health?page=1',
  'ssh -p 2222 backup@host ls',
  'docker compose --env-file .env.production up -d',
]

const document = (command: string): string => `# Restore\n\n\`\`\`sh\n${command}\n\`\`\`\n`

describe('the credentials of a document', () => {
  it.each(carrying)('are in no file and not in the report: %s', (command) => {
    const { report, files } = importOf('restore.md', document(command))
    const written = [
      reportText('restore.md', report),
      ...files.flatMap(({ path, text }) => [path, text]),
    ].join('\n')
    expect(written).not.toContain('hunter2222')
    expect(written).not.toContain('Hunter2222')
    expect(report.credentials).toEqual([4])
    expect(written).toContain('HIDDEN')
  })

  it.each(harmless)('are not seen in what is none: %s', (command) => {
    expect(withoutCredentials(document(command))).toEqual({ text: document(command), lines: [] })
  })
})
