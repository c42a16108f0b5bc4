// The shop in a browser: see run.  A test is a function; it gets a browser
// context of its own, and a daemon that is the same for all of them.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Daemon } from './daemon.mjs'
import { check } from './look.mjs'

const modules = createRequire(join(process.env.BUILD, 'browser', 'x.js'))
const { chromium } = modules('playwright-core')

// --- what a customer does ---

const add = (page, tea) =>
	page.getByRole('button', { name: `Add ${tea}` }).click()

const follow = (page, link) =>
	page.getByRole('link', { name: link, exact: true }).click()

const press = (page, button) =>
	page.getByRole('button', { name: button }).click()

const heading = page => page.textContent('h1')

const total = async page => parseFloat(await page.textContent('#total'))

async function fillAddress(page) {
	await page.getByLabel('Name').fill('Ada Löwe')
	await page.getByLabel('Street').fill('Am "Markt" 3')
	await page.getByLabel('Postcode').fill('10115 Berlin')
	await page.getByLabel('E-mail').fill('ada@example.org')
	await press(page, 'Look it over')
}

async function goToReview(page) {
	await follow(page, 'To the basket')
	await follow(page, 'Delivery')
	await fillAddress(page)
	assert.equal(await heading(page), 'Is it all as it should be?')
}

async function orderNumber(page) {
	return page.textContent('#order')
}

// --- tests ---

async function ordersWhatIsInTheBasket({ page, daemon }) {
	const before = daemon.orders().length

	await add(page, 'Old Harbour')
	await add(page, 'Silver Needle')
	await page.getByText('Added Silver Needle.').waitFor()
	await follow(page, 'To the basket')
	await press(page, 'One more of Old Harbour')
	assert.equal(await total(page), 41.1)
	await press(page, 'One less of Silver Needle')
	assert.equal(await total(page), 24.5) // 2 x 9.80, and 4.90
	await follow(page, 'Delivery')
	await fillAddress(page)
	await press(page, 'Order')
	assert.equal(await heading(page), 'Thank you')

	const orders = daemon.orders()

	assert.equal(orders.length, before + 1)
	assert.equal(orders.at(-1).order, await orderNumber(page))
	assert.deepEqual(orders.at(-1).teas, { 2: 2 })
	assert.equal(orders.at(-1).street, 'Am "Markt" 3')
}

async function refreshRepeatsNothing({ page, daemon }) {
	await add(page, 'Half Moon')
	for (let i = 0; i < 3; i++) {
		await page.getByText('1 tin, 16.90').waitFor()
		await page.reload()
	}
	await goToReview(page)
	await press(page, 'Order')

	const number = await orderNumber(page)
	const n = daemon.orders().length

	await page.reload()
	assert.equal(await orderNumber(page), number)
	assert.equal(daemon.orders().length, n)
}

async function backShowsTheBasketOfThatPage({ page }) {
	await add(page, 'Old Harbour')
	await page.getByText('1 tin, 9.80').waitFor()
	await add(page, 'Garden Mint')
	await page.getByText('2 tins, 17.40').waitFor()
	await page.goBack()
	await page.getByText('1 tin, 9.80').waitFor()
	await add(page, 'First Flush')
	await page.getByText('2 tins, 22.20').waitFor()
	await page.goBack()
	await page.goForward()
	await page.getByText('2 tins, 22.20').waitFor()
}

async function twoTabsDoNotMeet({ page, context, daemon }) {
	await add(page, 'Old Harbour')
	await page.getByText('1 tin').waitFor()

	const other = await context.newPage()

	await other.goto(page.url())
	await add(other, 'Garden Mint')
	await add(page, 'Silver Needle')
	await other.getByText('2 tins, 17.40').waitFor()
	await page.getByText('2 tins, 31.30').waitFor()
	await other.reload()
	await other.getByText('2 tins, 17.40').waitFor()
	await goToReview(page)
	await press(page, 'Order')
	await orderNumber(page)
	assert.deepEqual(daemon.orders().at(-1).teas, { 2: 1, 7: 1 })
}

async function ordersOnce({ page, context, daemon }) {
	await add(page, 'Slow Smoke')

	const basket = page.url()

	await goToReview(page)

	const again = await context.newPage()
	const n = daemon.orders().length

	await again.goto(page.url())
	await page.getByRole('button', { name: 'Order' }).dblclick()
	await page.getByRole('heading', { level: 1,
		name: /Thank you|This order was placed/ }).waitFor()
	assert.equal(daemon.orders().length, n + 1)
	await press(again, 'Order')
	assert.equal(await heading(again), 'This order was placed')
	await again.goto(basket)
	assert.equal(await heading(again), 'This order was placed')
	await follow(again, 'To the shelf')
	assert.equal(await heading(again), 'Eight teas, and no more')
	assert.equal(daemon.orders().length, n + 1)
}

async function goesOnWhateverTheServerDoes({ page, daemon }) {
	await add(page, 'First Flush')
	await page.getByText('1 tin').waitFor()
	daemon.killWorkers()
	await add(page, 'First Flush')
	await page.getByText('2 tins').waitFor()
	daemon.ask('reload')
	await add(page, 'First Flush')
	await page.getByText('3 tins').waitFor()
	daemon.ask('upgrade')
	await goToReview(page)
	await press(page, 'Order')
	await orderNumber(page)
	assert.deepEqual(daemon.orders().at(-1).teas, { 1: 3 })
}

async function saysWhatIsWrongWithAnAddress({ page }) {
	await add(page, 'First Flush')
	await follow(page, 'To the basket')
	await follow(page, 'Delivery')
	await page.getByLabel('Name').fill('<b>Ada</b>')
	await page.getByLabel('E-mail').fill('nobody')
	await press(page, 'Look it over')
	await page.getByText('Where does the parcel go?').waitFor()
	await page.getByText('We write to you').waitFor()
	assert.equal(await page.getByLabel('Name').inputValue(), '<b>Ada</b>')
	assert.equal(await page.locator('b').count(), 0)
	await fillAddress(page)
	assert.equal(await heading(page), 'Is it all as it should be?')
}

async function addressesStayInTheirBrowser({ page, browser }) {
	await add(page, 'First Flush')
	await goToReview(page)

	const stranger = await browser.newContext()
	const theirs = await stranger.newPage()
	const answer = await theirs.goto(page.url())

	assert.equal(answer.status(), 400)
	assert.ok(!(await theirs.content()).includes('Löwe'))
	await stranger.close()
	await page.reload()
	await page.getByText('Ada Löwe').waitFor()
}

// Every page, at each width, by day and by night.
async function looksAsItShould({ browser, daemon }) {
	for (const width of [320, 390, 1280])
		for (const colorScheme of ['light', 'dark']) {
			const context = await browser.newContext({
				viewport: { width, height: 800 }, colorScheme })
			const page = await context.newPage()
			const shown = async name => {
				const what = `${name}-${width}-${colorScheme}`

				await page.screenshot({ fullPage: true,
					path: `${process.env.BUILD}/browser/${what}.png` })
				await check(page, what)
			}

			await page.goto(daemon.url)
			await add(page, 'Silver Needle')
			await shown('shelf')
			await follow(page, 'To the basket')
			await shown('basket')
			await follow(page, 'Delivery')
			await press(page, 'Look it over')
			await shown('address')
			await fillAddress(page)
			await shown('review')
			await press(page, 'Order')
			await shown('thanks')
			await page.goBack()
			await shown('complete')
			await context.close()
		}
}

// --- running them ---

const tests = [ordersWhatIsInTheBasket, refreshRepeatsNothing,
	backShowsTheBasketOfThatPage, twoTabsDoNotMeet, ordersOnce,
	goesOnWhateverTheServerDoes, saysWhatIsWrongWithAnAddress,
	addressesStayInTheirBrowser, looksAsItShould]

// Pages have no scripts: they work in a browser that runs none.
async function run(test, browser, daemon) {
	const context = await browser.newContext({ javaScriptEnabled: false })
	const page = await context.newPage()

	context.setDefaultTimeout(20000)
	try {
		await page.goto(daemon.url)
		await test({ page, context, browser, daemon })
		console.log(`ok      ${test.name}`)
		return true
	} catch (error) {
		console.log(`FAILED  ${test.name}\n${error.stack}`)
		return false
	} finally {
		await context.close()
	}
}

const daemon = new Daemon()
let failed = 0

await daemon.start()
const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM,
	args: process.getuid() === 0 ? ['--no-sandbox'] : [] })
try {
	for (const test of tests)
		failed += !await run(test, browser, daemon)
} finally {
	await browser.close()
	await daemon.stop()
}
console.log(`browser: ${tests.length - failed} of ${tests.length} passed`)
process.exit(failed > 0 ? 1 : 0)
