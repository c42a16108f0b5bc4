// A baton with the shop, on a free port, in a folder of its own.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync,
	writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const build = process.env.BUILD

function listen() {
	return new Promise(done => {
		const server = createServer()

		server.listen(0, '127.0.0.1', () => done(server))
	})
}

export class Daemon {
	// The socket is bound here and handed over as systemd does it, so that no
	// port is raced for; who connects early waits in its backlog.
	async start() {
		const server = await listen()

		this.folder = mkdtempSync(join(tmpdir(), 'baton-browser-'))
		this.conf = join(this.folder, 'baton.conf')
		this.url = `http://127.0.0.1:${server.address().port}/`
		writeFileSync(this.conf, `
			user       root;
			workers    2;
			pid_file   ${this.folder}/pid;
			control    ${this.folder}/control;
			access_log off;
			server {
				listen 127.0.0.1:${server.address().port};
				route / {
					app ${build}/apps/shop.so {
						orders ${this.folder}/orders;
					}
				}
			}`)
		this.process = spawn('/bin/sh', ['-c',
			'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" -c "$1"',
			`${build}/baton`, this.conf], {
			stdio: ['ignore', 'ignore',
				openSync(join(this.folder, 'stderr'), 'w'),
				server._handle.fd]
		})
		this.ended = new Promise(done => this.process.on('exit', done))
		server.close()
	}

	// reload, upgrade: returns when it is done.
	ask(verb) {
		const r = spawnSync(`${build}/baton`, ['-s', verb, '-c', this.conf])

		if (r.status !== 0)
			throw new Error(`baton -s ${verb}: ${r.stderr}`)
	}

	workers() {
		return readdirSync('/proc').filter(pid => {
			try {
				const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
				const name = readFileSync(`/proc/${pid}/cmdline`, 'utf8')

				return name.startsWith('baton: worker') &&
					stat.split(') ')[1].split(' ')[1] ===
					String(this.process.pid)
			} catch {
				return false
			}
		}).map(Number)
	}

	killWorkers() {
		const all = this.workers()

		if (all.length === 0)
			throw new Error('there are no workers')
		for (const pid of all)
			process.kill(pid, 'SIGKILL')
	}

	orders() {
		const file = join(this.folder, 'orders')

		return existsSync(file)
			? readFileSync(file, 'utf8').trim().split('\n').map(JSON.parse)
			: []
	}

	stderr() {
		return readFileSync(join(this.folder, 'stderr'), 'utf8')
	}

	// In good order, with nothing from a sanitizer.
	async stop() {
		this.process.kill('SIGTERM')
		const status = await this.ended

		if (status !== 0 || /Sanitizer|runtime error/.test(this.stderr()))
			throw new Error(`baton ended with ${status}: ${this.stderr()}`)
		rmSync(this.folder, { recursive: true })
	}
}
