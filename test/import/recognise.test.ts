import { describe, expect, test } from 'vitest'
import * as steps from '../../steps/index.ts'
import { readProcedure } from '../../src/import/procedure.ts'
import { importedSteps, recognise } from '../../src/import/recognise.ts'

const becomes = (command: string): string => {
  const { steps } = readProcedure(`\`\`\`bash\n${command}\n\`\`\`\n`)
  const step = steps.findLast(({ shell }) => !shell.within.includes('substitution'))
  if (step === undefined) return 'no command'
  const found = recognise(step, steps.slice(0, steps.indexOf(step)))
  if (found === null) return 'stays'
  return found.as === 'step' ? found.step : found.as
}

test('every step that a command becomes is one of the library', () => {
  expect([...importedSteps].filter((name) => !(name in steps))).toEqual([])
  expect(importedSteps.size).toBeGreaterThan(30)
})

describe('commands become steps', () => {
  test.each([
    ['docker compose -f a.yml stop api jobs', 'stopServices'],
    ['docker-compose down', 'stopServices'],
    ['docker compose up -d api', 'bringUp'],
    ['docker compose start api', 'startServices'],
    ['docker compose restart api', 'startServices'],
    ["sed -i 's/^TAG=.*/TAG=1.2/' .env", 'setVariable'],
    ['echo TAG=1.2 >> deploy/.env', 'setVariable'],
    ['TAG=1.2 docker compose up -d api', 'bringUp'],
    ['docker compose --profile smoke up smoke-tests', 'runOneOff'],
    ['docker pull shop/api:1.2', 'fetchImage'],
    ['docker load -i api.tar', 'loadImages'],
    ['docker tag a:1 a:latest', 'tagImages'],
    ['sed -i "s|image: shop:.*|image: shop:1|" compose.yml', 'setImage'],
    ['vim docker/docker-compose.yml', 'setImage'],
    ['docker compose logs --since=10m api | tail -n 200', 'scanLogs'],
    ['sudo systemctl restart docker', 'restartDocker'],
    ['docker run --rm -d -p 1:5432 postgres:16', 'startThrowaway'],
    ['docker compose run --rm api alembic downgrade -1', 'downgradeDatabase'],
    ['docker exec api alembic current', 'look'],
    ['docker compose exec -T db pg_dump -Fc shop > shop.dump', 'dumpDatabase'],
    ['pg_restore -l shop.dump', 'readDump'],
    ['pg_restore -d shop shop.dump', 'restoreBeside'],
    ['docker run -d --rm postgres:16\npg_restore -d shop shop.dump', 'restoreIntoThrowaway'],
    ['gunzip -c shop.sql.gz | psql shop', 'restoreBeside'],
    ['psql -d shop -c "select count(*) from orders"', 'assertCopy'],
    ['psql -c "drop database shop"', 'stays'],
    ['sqlite3 a.db "PRAGMA integrity_check;"', 'verifyDump'],
    [`sqlite3 a.db ".backup '/b/a.db'"`, 'dumpDatabase'],
    [`sqlite3 a.db ".restore '/b/a.db'"`, 'restoreBeside'],
    ['cp /backups/a.db /srv/a/a.db', 'restoreBeside'],
    ['mv /srv/a/a.db.new /srv/a/a.db', 'restoreBeside'],
    ['cp /srv/a/a.db /backups/a.db', 'dumpDatabase'],
    ['scp spare:/backups/a.db /srv/a/a.db', 'stays'],
    ['sqlite3 a.db "DROP TABLE t"', 'stays'],
    ['docker cp web:/data/a.db /b/a.db', 'keepVolumeDatabase'],
    ['docker cp /b/a.db web:/data/a.db', 'swapVolumeDatabase'],
    ['docker cp /b/a.pdf web:/data/a.pdf', 'putFileBack'],
    ['docker exec web chown app:app /data/a.pdf', 'putFileBack'],
    ['sha256sum --check SHA256SUMS', 'verifyBackup'],
    ['gpg --decrypt a.gpg > a', 'decryptBackup'],
    [`printf '%s' "$KEY" | gpg --batch --passphrase-fd 0 -o a a.gpg`, 'decryptBackup'],
    ['gpg --symmetric a', 'encryptArchive'],
    ['tar -xzvf a.tar.gz -C /tmp/a', 'unpack'],
    ['tar czf a.tar.gz data', 'packData'],
    ['cp .env .env.backup-1', 'keepFile'],
    ['cp .env.20260102 .env', 'restoreCopy'],
    ['git checkout HEAD~1 -- .env', 'earlierVersion'],
    ['mv data data.$(date +%s)', 'moveAside'],
    ['ls -t *.gz | tail -n +3 | xargs rm', 'pruneBackups'],
    ['find /backups -mtime +9 -delete', 'pruneBackups'],
    ['find /backups/data -name "a.*"', 'findInTree'],
    ['docker rm -f restore-test', 'dropThrowaway'],
    ['gh release create v1 a.tar.gz', 'publishRelease'],
    ['curl -f http://localhost/healthz', 'checkHealth'],
    ['curl -s -o /dev/null http://localhost/healthz', 'checkHealth'],
    ['curl -H "Authorization: Bearer $T" https://a/metrics | head', 'checkMetrics'],
    ["curl http://localhost/orders | jq '.total'", 'checkBusiness'],
    ['curl -X POST http://localhost/jobs', 'stays'],
    ['docker exec web env | grep LLM_', 'confirmVariables'],
    ['sleep 10', 'awaitHealthy'],
    ['echo "$(date) | 1 | SUCCESS" >> deployments/history.log', 'recordDeployment'],
  ])('%s', (command, expected) => {
    expect(becomes(command)).toBe(expected)
  })
})

describe('others only look, are not needed, or stay', () => {
  test.each([
    ['docker images shop --format "{{.Tag}}"', 'look'],
    ['ls -lh /backups', 'look'],
    ['cat deployments/history.log | tail -5', 'look'],
    ['df -h', 'look'],
    ['gpg --version', 'look'],
    ['cat a b > c', 'stays'],
    ['docker volume ls', 'look'],
    ['docker volume inspect shop_files', 'look'],
    ['docker volume rm shop_files', 'stays'],
    ['docker network rm shop', 'stays'],
    ['sha256sum a.dump', 'look'],
    ['sha256sum a.dump > a.dump.sha256', 'stays'],
    ['sha256sum a.dump | tee a.dump.sha256', 'stays'],
    ['pg_dump shop | gzip > b/$DAY.sql.gz\nsha256sum b/$DAY.sql.gz > b/$DAY.sql.gz.sha256', 'built-in'],
    ['docker compose config > fixed.yml', 'stays'],
    ['docker compose ps > /tmp/ps.txt', 'look'],
    ['ls -l 2> /dev/null', 'look'],
    ['echo started >> /var/log/rollback.log', 'built-in'],
    ['echo 1.4 > VERSION', 'stays'],
    ['curl -fsS -o app.tar https://example.com/app.tar', 'stays'],
    ['cd /srv', 'built-in'],
    ['set -euo pipefail', 'built-in'],
    ['FILE=/b/a.db', 'built-in'],
    ['echo done', 'built-in'],
    ['rm -rf /srv/shop', 'stays'],
    ['bash scripts/restore.sh a.dump', 'script'],
    ['find /srv -name "*.tmp" -exec rm {} +', 'stays'],
    ['cp /b/a.db /tmp/a.db', 'built-in'],
    ['docker rm -f web', 'stays'],
  ])('%s', (command, expected) => {
    expect(becomes(command)).toBe(expected)
  })
})
