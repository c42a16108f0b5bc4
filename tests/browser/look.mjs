// What can be measured of a look: nothing sticks out or is cut, text can be read, fingers
// find the buttons, and every field has a name.

// In the page: complaints, or none.
function complaints() {
	const found = []
	const parts = color => {
		const n = color.match(/[\d.]+/g).map(Number)
		const scale = color.startsWith('color(') ? 1 : 255

		return { rgb: n.slice(0, 3).map(v => v / scale), alpha: n[3] ?? 1 }
	}
	const luminance = rgb => {
		const [r, g, b] = rgb.map(v => v <= 0.03928
			? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)

		return 0.2126 * r + 0.7152 * g + 0.0722 * b
	}
	const behind = element => {
		for (let e = element; e !== null; e = e.parentElement) {
			const c = parts(getComputedStyle(e).backgroundColor)

			if (c.alpha > 0)
				return c.rgb
		}
		return [1, 1, 1]
	}
	// WCAG 2.2, 1.4.3
	const contrast = element => {
		const a = luminance(parts(getComputedStyle(element).color).rgb)
		const b = luminance(behind(element))

		return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
	}
	const hasText = element => [...element.childNodes].some(
		n => n.nodeType === Node.TEXT_NODE && n.data.trim() !== '')

	if (document.documentElement.scrollWidth > innerWidth)
		found.push(`is ${document.documentElement.scrollWidth} wide`)
	for (const e of document.querySelectorAll('body *')) {
		const style = getComputedStyle(e)
		const least = parseFloat(style.fontSize) >= 24 ? 3 : 4.5

		if (style.overflowX !== 'visible' && e.scrollWidth > e.clientWidth)
			found.push(`<${e.localName} class="${e.className}"> is cut`)
		if (hasText(e) && !e.disabled && contrast(e) < least)
			found.push(`"${e.textContent.trim().slice(0, 20)}": ` +
				`contrast ${contrast(e).toFixed(2)}`)
	}
	// WCAG 2.2, 2.5.5
	for (const e of document.querySelectorAll('button, .button, input')) {
		const box = e.getBoundingClientRect()

		if (box.width < 44 || box.height < 43.5)
			found.push(`"${e.textContent.trim()}" is ` +
				`${box.width} x ${box.height}`)
	}
	for (const e of document.querySelectorAll('input'))
		if (e.labels.length === 0)
			found.push(`${e.name} has no label`)
	if (document.querySelectorAll('h1').length !== 1)
		found.push('has not one h1')
	return found
}

export async function check(page, what) {
	const found = await page.evaluate(complaints)

	if (found.length > 0)
		throw new Error(`${what}: ${found.join('; ')}`)
}
