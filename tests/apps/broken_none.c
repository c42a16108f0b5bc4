/* For tests: a shared object that is no application. */

int not_an_application(void);

int
not_an_application(void)
{
	return 0;
}
